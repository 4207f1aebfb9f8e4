import { type FileHandle, open } from 'node:fs/promises';
import { BuildFailure } from '../../../core/domain/failures.ts';

export interface Chunk {
  readonly offset: number;
  readonly bytes: number;
}

/** The input files of one conversion: a shard is opened once for all its tensors. */
export class OpenFiles {
  readonly #handles = new Map<string, FileHandle>();

  async open(path: string): Promise<FileHandle> {
    const known = this.#handles.get(path);
    if (known !== undefined) return known;
    const handle = await open(path, 'r');
    this.#handles.set(path, handle);
    return handle;
  }

  async close(): Promise<void> {
    for (const handle of this.#handles.values()) await handle.close();
  }
}

/** Throws WeightsCorrupt when the file ends early. */
export async function readAll(file: FileHandle, { offset, bytes }: Chunk, path: string): Promise<Uint8Array> {
  const buffer = new Uint8Array(bytes);
  let done = 0;
  while (done < bytes) {
    const { bytesRead } = await file.read(buffer, done, bytes - done, offset + done);
    if (bytesRead === 0)
      throw new BuildFailure('WeightsCorrupt', `${path} ends before byte ${offset + bytes}`);
    done += bytesRead;
  }
  return buffer;
}
