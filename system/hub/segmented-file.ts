import { constants } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { asStoreFailure, syncFolder } from '../files/atomic-write.ts';
import { contentHash, hashFileInto } from './content-digest.ts';
import type { Guard } from './download-guard.ts';
import { type HubFile, blobName } from './hub-file.ts';
import { readSegments, removeJournal, type Segment, writeSegments } from './segment-journal.ts';

interface Opened {
  readonly handle: FileHandle;
  readonly segments: Segment[];
  readonly guard: Guard;
}

/** What a killed process loses at most: so many bytes over all segments, or what came in so many ms. */
const journalEveryBytes = 32 << 20;
const journalEveryMs = 1_000;

/**
 * A download that grows in several places at once. Its journal says how far each part is, so that the next process goes
 * on with all of them. Nothing can be hashed before everything is there: the digest is taken at the end.
 */
export class SegmentedFile implements AsyncDisposable {
  readonly segments: readonly Segment[];
  readonly #guard: Guard;
  readonly #path: string;
  readonly #file: HubFile;
  readonly #handle: FileHandle;
  #unwritten = 0;
  #notedAt = performance.now();
  #writing: Promise<void> = Promise.resolve();

  private constructor(path: string, file: HubFile, opened: Opened) {
    this.#guard = opened.guard;
    this.#path = path;
    this.#file = file;
    this.#handle = opened.handle;
    this.segments = opened.segments;
  }

  static async open(
    path: string,
    file: HubFile,
    { segmentBytes, guard }: { readonly segmentBytes: number; readonly guard: Guard },
  ): Promise<SegmentedFile> {
    const handle = await open(path, constants.O_RDWR | constants.O_CREAT).catch((error: unknown) => {
      throw asStoreFailure(error, path);
    });
    const { size } = await handle.stat();
    // A journal without its file, or beside a shorter one, tells of bytes that are gone.
    if (size < file.bytes) await removeJournal(path);
    if (size !== file.bytes) await handle.truncate(file.bytes);
    const segments = await readSegments(path, { bytes: file.bytes, segmentBytes });
    return new SegmentedFile(path, file, { handle, segments, guard });
  }

  get bytes(): number {
    return this.segments.reduce((sum, { done }) => sum + done, 0);
  }

  /** Continues a segment. The promise is the back-pressure. */
  async append(segment: Segment, chunk: Uint8Array): Promise<void> {
    await this.#guard.beforeChunk();
    for (let written = 0; written < chunk.length;) {
      const at = segment.from + segment.done;
      const { bytesWritten } = await this.#handle
        .write(chunk, written, chunk.length - written, at)
        .catch((error: unknown) => {
          throw asStoreFailure(error, dirname(this.#path));
        });
      written += bytesWritten;
      segment.done += bytesWritten;
    }
    this.#unwritten += chunk.length;
    const isDue = performance.now() - this.#notedAt >= journalEveryMs;
    if (isDue || this.#unwritten >= journalEveryBytes) await this.#note();
  }

  async isRight(signal: AbortSignal): Promise<boolean> {
    const hash = contentHash(this.#file);
    await hashFileInto(hash, this.#path, { signal, onBytes: () => undefined });
    return hash.digest('hex') === blobName(this.#file);
  }

  /** Throws away what is there. */
  restart(): void {
    for (const segment of this.segments) segment.done = 0;
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
    await removeJournal(this.#path);
  }

  async discard(): Promise<void> {
    await this.#guard.beforeChange();
    this.restart();
    await rm(this.#path, { force: true });
    await removeJournal(this.#path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const isOpen = this.bytes > 0 && this.bytes < this.#file.bytes;
    if (isOpen) await this.#note().catch(() => undefined);
    await this.#handle.close();
  }

  /** One at a time: an older state must not replace a newer one. */
  async #note(): Promise<void> {
    this.#unwritten = 0;
    this.#notedAt = performance.now();
    this.#writing = this.#writing.then(() => this.#write());
    await this.#writing;
  }

  async #write(): Promise<void> {
    await this.#guard.beforeChange();
    await writeSegments(this.#path, this.segments);
  }
}
