import { type Hash } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { asStoreFailure, syncFolder } from '../files/atomic-write.ts';
import { contentHash, hashFileInto } from './content-digest.ts';
import { type Guard, ignoreLoss } from './download-guard.ts';
import { type HubFile, blobName } from './hub-file.ts';

type Reading = Parameters<typeof hashFileInto>[2] & { readonly guard: Guard };

/**
 * A download that grows on disk and is hashed as it grows. It outlives the process; the next one hashes what is
 * there and goes on after it. The content gets its final name only by `keep`, and only if the digest is right.
 * Whatever changes the file asks the guard first.
 */
export class PartialFile implements AsyncDisposable {
  readonly #guard: Guard;
  readonly #path: string;
  readonly #file: HubFile;
  readonly #handle: FileHandle;
  #hash: Hash;
  #bytes = 0;

  private constructor(path: string, file: HubFile, opened: { handle: FileHandle; guard: Guard }) {
    this.#guard = opened.guard;
    this.#path = path;
    this.#file = file;
    this.#handle = opened.handle;
    this.#hash = contentHash(file);
  }

  /** Opens or creates it; `onBytes` hears of what an earlier process left. */
  static async open(path: string, file: HubFile, reading: Reading): Promise<PartialFile> {
    const handle = await open(path, 'a+').catch((error: unknown) => {
      throw asStoreFailure(error, path);
    });
    const partial = new PartialFile(path, file, { handle, guard: reading.guard });
    try {
      const { size } = await handle.stat();
      if (size > file.bytes) await partial.restart();
      else if (size > 0) await partial.#adopt(reading);
    } catch (error) {
      await handle.close();
      throw error;
    }
    return partial;
  }

  async #adopt({ signal, onBytes }: Reading): Promise<void> {
    const count = (bytes: number): void => {
      this.#bytes += bytes;
      onBytes(bytes);
    };
    await hashFileInto(this.#hash, this.#path, { signal, onBytes: count });
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Appends. The promise is the back-pressure: the next chunk is read from the network only after it. */
  async append(chunk: Uint8Array): Promise<void> {
    await this.#guard.beforeChunk();
    for (let done = 0; done < chunk.length;) {
      const { bytesWritten } = await this.#handle.write(chunk, done).catch((error: unknown) => {
        throw asStoreFailure(error, dirname(this.#path));
      });
      done += bytesWritten;
    }
    this.#hash.update(chunk);
    this.#bytes += chunk.length;
  }

  /** Throws away what is there. */
  async restart(): Promise<void> {
    await this.#guard.beforeChange();
    await this.#handle.truncate(0);
    this.#hash = contentHash(this.#file);
    this.#bytes = 0;
  }

  /** True when every byte is there and the digest is the announced one. */
  isRight(): boolean {
    return this.#bytes === this.#file.bytes && this.#hash.copy().digest('hex') === blobName(this.#file);
  }

  /** Moves the content to its final name, durably. Call only after `isRight`. */
  async keep(path: string): Promise<void> {
    await this.#guard.beforeChange();
    try {
      await this.#handle.sync();
      await rename(this.#path, path);
      await syncFolder(dirname(path));
    } catch (error) {
      throw asStoreFailure(error, path);
    }
  }

  async discard(): Promise<void> {
    await this.#guard.beforeChange();
    await rm(this.#path, { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
    if (this.#bytes === 0) await this.discard().catch(ignoreLoss);
  }
}
