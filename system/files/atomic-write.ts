import { randomUUID } from 'node:crypto';
import { link, mkdir, open, rename, rm, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BuildFailure } from '../../core/domain/failures.ts';

/** Writes a small file so that a reader sees the old content or the whole new one, also after a power cut. */
export async function writeAtomically(path: string, content: string | Uint8Array): Promise<void> {
  await withTemporary(path, content, (temporary) => rename(temporary, path));
}

/** Like writeAtomically, but never replaces: returns false when the file exists already. */
export async function createAtomically(path: string, content: string | Uint8Array): Promise<boolean> {
  try {
    await withTemporary(path, content, (temporary) => link(temporary, path).then(() => unlink(temporary)));
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

async function withTemporary(
  path: string,
  content: string | Uint8Array,
  name: (temporary: string) => Promise<void>,
) {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await name(temporary);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw asStoreFailure(error, path);
  }
}

/** A rename is durable only once its folder is. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Opened for reading: fsync(2) needs no more, and a file may be read-only already. */
export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** The operating system's reasons for refusing a write, as failures a user can act on. */
export function asStoreFailure(error: unknown, path: string): unknown {
  const code = errorCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new BuildFailure('DiskFull', `the disk under ${path} is full`, { cause: error });
  }
  if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM' || code === 'ENOTDIR') {
    return new BuildFailure('StoreUnwritable', `${path} cannot be written (${code})`, { cause: error });
  }
  return error;
}
