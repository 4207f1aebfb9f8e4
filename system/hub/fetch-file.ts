import { stat } from 'node:fs/promises';
import { takeLease } from '../artifact-store/lease.ts';
import { sha256OfText } from '../files/hash-file.ts';
import type { CacheLayout } from './cache-layout.ts';
import { contentHash, hashFileInto } from './content-digest.ts';
import { guardBy, type Guard, LeaseLost } from './download-guard.ts';
import { fetchInSegments } from './fetch-segments.ts';
import { fetchAsStream } from './fetch-stream.ts';
import type { HubConnection } from './hub-connection.ts';
import { type HubFile, blobName } from './hub-file.ts';

export interface FileFetch {
  readonly connection: HubConnection;
  readonly layout: CacheLayout;
  readonly repo: string;
  readonly commit: string;
  readonly signal: AbortSignal;
  /** Files of at least two such parts are fetched in several streams at once. */
  readonly segmentBytes: number;
  /** Streams at once of one file. */
  readonly streams: number;
  /** Bytes of this file that are certain or on the way; negative when some must be fetched again. */
  readonly onBytes: (path: string, count: number) => void;
}

export interface GuardedFetch extends FileFetch {
  /** Asked before every step on the disk. */
  readonly guard: Guard;
}

/**
 * Brings one file's blob into the cache: a blob that is there and has the right digest is kept; otherwise the
 * download goes on where the last one stopped, is verified, and only then gets its name. One process at a time; one that finds its lease taken over stands in line again.
 */
export async function fetchFile(file: HubFile, fetch: FileFetch): Promise<void> {
  for (;;) {
    let counted = 0;
    const onBytes = (path: string, count: number): void => {
      counted += count;
      fetch.onBytes(path, count);
    };
    try {
      await fetchAlone(file, { ...fetch, onBytes });
      return;
    } catch (error) {
      if (!(error instanceof LeaseLost)) throw error;
      // Whoever has it now finishes the file, or leaves it to be taken up again.
      fetch.onBytes(file.path, -counted);
    }
  }
}

async function fetchAlone(file: HubFile, request: FileFetch): Promise<void> {
  const { layout, signal, onBytes } = request;
  const wait = { signal, onWait: () => onBytes(file.path, 0) };
  await using lease = await takeLease(layout.lease(file), sha256OfText(blobName(file)), wait);
  const fetch: GuardedFetch = { ...request, guard: guardBy(lease) };
  if (await hasRightBlob(file, fetch)) return;
  const asStream = file.bytes < 2 * fetch.segmentBytes || (await hasStream(file, fetch));
  const way = asStream ? 'no-ranges' : await fetchInSegments(file, fetch);
  if (way === 'no-ranges') await fetchAsStream(file, fetch);
}

async function hasRightBlob(file: HubFile, { layout, signal, onBytes }: FileFetch): Promise<boolean> {
  const found = await stat(layout.blob(file)).catch(() => null);
  if (found === null || found.size !== file.bytes) return false;
  const hash = contentHash(file);
  let counted = 0;
  const count = (bytes: number): void => {
    counted += bytes;
    onBytes(file.path, bytes);
  };
  await hashFileInto(hash, layout.blob(file), { signal, onBytes: count });
  const isRight = hash.digest('hex') === blobName(file);
  if (!isRight) onBytes(file.path, -counted);
  return isRight;
}

/** A stream that an earlier process began is finished as one. */
async function hasStream(file: HubFile, { layout }: FileFetch): Promise<boolean> {
  const found = await stat(layout.partial(file)).catch(() => null);
  return found !== null && found.size > 0;
}
