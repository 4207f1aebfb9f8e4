import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { HubFile } from './hub-file.ts';

/** The header git puts before a blob's content when it computes the id (git-hash-object(1)). */
export function gitBlobHash(bytes: number): Hash {
  return createHash('sha1').update(`blob ${bytes}\0`);
}

/** The hash whose hex digest must equal `blobName(file)`. */
export function contentHash(file: HubFile): Hash {
  return file.sha256 === undefined ? gitBlobHash(file.bytes) : createHash('sha256');
}

/** Feeds a file, or its first bytes, into a hash, in chunks of 1 MiB: near memory speed, and aborts at once. */
export async function hashFileInto(
  hash: Hash,
  path: string,
  reading: { readonly signal: AbortSignal; readonly onBytes: (count: number) => void },
): Promise<void> {
  const stream = createReadStream(path, { highWaterMark: 1 << 20 });
  for await (const chunk of stream) {
    reading.signal.throwIfAborted();
    const bytes = chunk as Uint8Array;
    hash.update(bytes);
    reading.onBytes(bytes.length);
  }
}
