import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { ByteSource } from '../../core/formats/byte-source.ts';
import { BuildFailure } from '../../core/domain/failures.ts';
import { errorCode } from '../files/atomic-write.ts';
import { unreadable } from '../files/unreadable.ts';

/** Opens a file for random access while `use` runs. WeightsMissing if it is not there or no regular file. */
export async function withByteFile<T>(path: string, use: (source: ByteSource) => Promise<T>): Promise<T> {
  const file = resolve(path);
  const handle = await openForReading(file);
  try {
    const status = await handle.stat();
    if (!status.isFile()) throw new BuildFailure('WeightsMissing', `${file} is no file`);
    const bytes = status.size;
    return await use({ file, bytes, read: (offset, length) => readFully(handle, { file, offset, length }) });
  } finally {
    await handle.close();
  }
}

async function openForReading(file: string): Promise<FileHandle> {
  try {
    // A named pipe in the place of a file would otherwise be waited for without end.
    return await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    if (code !== 'ENOENT') throw unreadable('WeightsMissing', file, error);
    throw new BuildFailure('WeightsMissing', `${file} does not exist`, { cause: error });
  }
}

async function readFully(
  handle: FileHandle,
  range: { file: string; offset: number; length: number },
): Promise<Uint8Array> {
  const bytes = new Uint8Array(range.length);
  let done = 0;
  while (done < range.length) {
    const { bytesRead } = await handle.read(bytes, done, range.length - done, range.offset + done);
    if (bytesRead === 0)
      throw new BuildFailure('WeightsCorrupt', `${range.file} became shorter while it was read`);
    done += bytesRead;
  }
  return bytes;
}
