import { randomUUID } from 'node:crypto';
import { access, link, mkdir, open, rename, rm, unlink } from 'node:fs/promises';
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
    await makeFolder(dirname(path));
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

/** DiskFull where the operating system says so; any other error as it is. */
export function asDiskFull(error: unknown, path: string): unknown {
  const code = errorCode(error);
  const isFull = code === 'ENOSPC' || code === 'EDQUOT';
  return isFull ? new BuildFailure('DiskFull', `the disk under ${path} is full`, { cause: error }) : error;
}

/**
 * A folder and its parents. On a read-only file system Node answers ENOENT for a recursive mkdir: making the first
 * missing folder alone tells the true reason.
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    let missing = path;
    while (!(await exists(dirname(missing)))) missing = dirname(missing);
    await mkdir(missing);
    await mkdir(path, { recursive: true });
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** The operating system's reasons for refusing a write, as failures a user can act on. */
export function asStoreFailure(error: unknown, path: string): unknown {
  const full = asDiskFull(error, path);
  if (full !== error) return full;
  const code = errorCode(error);
  if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM' || code === 'ENOTDIR') {
    return new BuildFailure('StoreUnwritable', `${path} cannot be written (${code})`, { cause: error });
  }
  return error;
}
