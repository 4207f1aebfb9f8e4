import { randomUUID } from 'node:crypto';
import { chmod, copyFile, open, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { BuildFailure } from '../../core/domain/failures.ts';
import { asStoreFailure, errorCode, makeFolder, syncFolder } from '../files/atomic-write.ts';
import { isAlive } from '../process/is-alive.ts';

/**
 * Fills a folder beside its final place and renames it when it is complete, so that nobody ever sees half a model.
 * `to` may exist only as an empty folder; anything else is UsageInvalid. What a killed process of this host left of the
 * same folder is removed first.
 */
export async function assembleFolder<T>(to: string, fill: (folder: string) => Promise<T>): Promise<T> {
  const target = resolve(to);
  await refuseFilled(target);
  return withDraft(target, async (draft) => {
    const result = await fill(draft);
    await syncFolder(draft);
    await rename(draft, target);
    return result;
  });
}

/**
 * Like assembleFolder for one file, which `write` puts, complete and synced, under the path it is given; what has the name
 * already is replaced.
 */
export async function assembleFile<T>(to: string, write: (path: string) => Promise<T>): Promise<T> {
  const target = resolve(to);
  return withDraft(target, async (draft) => {
    const path = join(draft, basename(target));
    const result = await write(path);
    await rename(path, target);
    await rmdir(draft);
    return result;
  });
}

/**
 * Lends a folder beside the place of `to` for what is only needed while that is made, and removes it in the end. `to` and
 * what killed processes left are treated as by `assembleFolder`, so that nobody waits long for a folder that is refused.
 */
export async function withScratchBeside<T>(to: string, use: (folder: string) => Promise<T>): Promise<T> {
  const target = resolve(to);
  await refuseFilled(target);
  return withDraft(target, async (scratch) => {
    const result = await use(scratch);
    await rm(scratch, { recursive: true, force: true });
    return result;
  });
}

async function withDraft<T>(target: string, fill: (draft: string) => Promise<T>): Promise<T> {
  await removeAbandoned(target);
  const draft = join(dirname(target), `${draftPrefix(target)}${process.pid}~${randomUUID()}${draftSuffix}`);
  try {
    await makeFolder(draft);
    const result = await fill(draft);
    await syncFolder(dirname(target));
    return result;
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw asStoreFailure(error, target);
  }
}

const draftSuffix = '.partial';

/** Host and process stand in the name, so that what is abandoned can be told from what is being written. */
function draftPrefix(target: string): string {
  return `.${basename(target)}.${hostname()}~`;
}

async function removeAbandoned(target: string): Promise<void> {
  const prefix = draftPrefix(target);
  const names = await readdir(dirname(target)).catch(() => []);
  const abandoned = names.filter((name) => {
    if (!name.startsWith(prefix) || !name.endsWith(draftSuffix)) return false;
    const pid = Number(name.slice(prefix.length).split('~', 1)[0]);
    return Number.isSafeInteger(pid) && pid > 0 && !isAlive(pid);
  });
  for (const name of abandoned)
    await rm(join(dirname(target), name), { recursive: true, force: true, maxRetries: 3 });
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
