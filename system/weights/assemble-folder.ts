import { randomUUID } from 'node:crypto';
import { chmod, copyFile, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { BuildFailure } from '../../core/domain/failures.ts';
import { asStoreFailure, errorCode, syncFolder } from '../files/atomic-write.ts';

/**
 * Fills a folder beside its final place and renames it when it is complete, so that nobody ever sees half a model.
 * `to` may exist only as an empty folder; anything else is UsageInvalid.
 */
export async function assembleFolder<T>(to: string, fill: (folder: string) => Promise<T>): Promise<T> {
  const target = resolve(to);
  await refuseFilled(target);
  const draft = join(dirname(target), `.${basename(target)}.${randomUUID()}.partial`);
  try {
    await mkdir(draft, { recursive: true });
    const result = await fill(draft);
    await syncFolder(draft);
    await rename(draft, target);
    await syncFolder(dirname(target));
    return result;
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw asStoreFailure(error, target);
  }
}

async function refuseFilled(target: string): Promise<void> {
  const names = await readdir(target).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return [];
    throw new BuildFailure('UsageInvalid', `${target} exists and is no folder`, { cause: error });
  });
  if (names.length > 0) throw new BuildFailure('UsageInvalid', `${target} is not empty; name a new folder`);
}

/** Copies files by name from one folder to another, following links, and makes them durable. */
export async function copyFiles(names: readonly string[], from: string, to: string): Promise<void> {
  for (const name of names) {
    const target = join(to, name);
    await copyFile(join(from, name), target);
    // Caches keep their files read-only; the copies belong to a model that its owner may change.
    await chmod(target, 0o644);
    await using file = await open(target, 'r');
    await file.sync();
  }
}
