import { stat } from 'node:fs/promises';
import { BuildFailure } from '../../core/domain/failures.ts';
import { takeLease } from '../artifact-store/lease.ts';
import { sha256OfText } from '../files/hash-file.ts';
import type { CacheLayout } from './cache-layout.ts';
import { contentHash, hashFileInto } from './content-digest.ts';
import type { HubAnswer, HubConnection } from './hub-connection.ts';
import { type HubFile, blobName } from './hub-file.ts';
import { refuse } from './judge-answer.ts';
import { PartialFile } from './partial-file.ts';
import { PassingTrouble, withRetries } from './patience.ts';
import { receive } from './receive.ts';

export interface FileFetch {
  readonly connection: HubConnection;
  readonly layout: CacheLayout;
  readonly repo: string;
  readonly commit: string;
  readonly signal: AbortSignal;
  /** Bytes of this file that are certain or on the way; negative when some must be fetched again. */
  readonly onBytes: (path: string, count: number) => void;
}

/**
 * Brings one file's blob into the cache: a blob that is there and has the right digest is kept; otherwise the
 * download goes on where the last one stopped, is verified, and only then gets its name. One process at a time.
 */
export async function fetchFile(file: HubFile, fetch: FileFetch): Promise<void> {
  const { layout, signal } = fetch;
  const wait = { signal, onWait: () => fetch.onBytes(file.path, 0) };
  await using _lease = await takeLease(layout.lease(file), sha256OfText(blobName(file)), wait);
  if (await hasRightBlob(file, fetch)) return;
  const reading = { signal, onBytes: (count: number) => fetch.onBytes(file.path, count) };
  await using partial = await PartialFile.open(layout.partial(file), file, reading);
  const isResumed = partial.bytes > 0;
  await download(file, partial, fetch);
  if (!partial.isRight() && isResumed) {
    // What an earlier process left may be damaged; the hub deserves one try of its own.
    await startAgain(file, partial, fetch);
    await download(file, partial, fetch);
  }
  if (!partial.isRight()) {
    await partial.discard();
    throw corrupt(file, fetch, 'its content has another digest');
  }
  await partial.keep(layout.blob(file));
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

async function download(file: HubFile, partial: PartialFile, fetch: FileFetch): Promise<void> {
  const { connection, signal } = fetch;
  let gained = 0;
  const attempt = async (): Promise<void> => {
    if (partial.bytes === file.bytes) return;
    const answer = await ask(file, partial, fetch);
    for await (const chunk of receive(answer.body, connection, signal)) {
      if (partial.bytes + chunk.length > file.bytes) {
        await partial.discard();
        throw corrupt(file, fetch, `more than the announced ${file.bytes} bytes came`);
      }
      await partial.append(chunk);
      gained += chunk.length;
      fetch.onBytes(file.path, chunk.length);
    }
    if (partial.bytes < file.bytes) throw new PassingTrouble(truncated(file, partial, fetch));
  };
  try {
    await withRetries(attempt, { patience: connection.patience, signal, gained: () => gained });
  } catch (error) {
    throw cutShort(error, gained) ? truncated(file, partial, fetch) : error;
  }
}

/** Bytes came, but the last attempts all broke off: the reader should hear how far it got. */
function cutShort(error: unknown, gained: number): boolean {
  return error instanceof BuildFailure && error.name === 'HubUnreachable' && gained > 0;
}

/** Requests the missing bytes; afterwards the body continues exactly at the end of the partial file. */
async function ask(file: HubFile, partial: PartialFile, fetch: FileFetch): Promise<HubAnswer> {
  const { connection, repo, commit, signal } = fetch;
  const path = file.path.split('/').map(encodeURIComponent).join('/');
  const url = new URL(`${repo}/resolve/${commit}/${path}`, connection.endpoint);
  const from = partial.bytes;
  // identity: a compressed body has another length, and no ranges.
  const headers = { 'accept-encoding': 'identity', ...(from === 0 ? {} : { range: `bytes=${from}-` }) };
  const answer = await connection.get(url, headers, signal);
  const { status } = answer;
  if (status === 416 && from > 0) {
    answer.body.resume();
    await startAgain(file, partial, fetch);
    throw new PassingTrouble(
      new BuildFailure('HubUnreachable', `${connection.endpoint.host} refuses to resume ${file.path}`),
    );
  }
  if (status !== 200 && status !== 206)
    refuse(answer, { repo, revision: commit, path: file.path }, connection);
  checkAnnouncement(file, answer, fetch);
  // 200 in place of 206: the whole file comes again. Appending it would give a file of the wrong bytes.
  const continuesAt = status === 206 ? rangeStart(answer) : 0;
  if (continuesAt !== from) {
    await startAgain(file, partial, fetch);
    if (continuesAt !== 0) {
      answer.body.destroy();
      throw new PassingTrouble(
        new BuildFailure('HubUnreachable', `${connection.endpoint.host} sent another range than asked for`),
      );
    }
  }
  return answer;
}

async function startAgain(file: HubFile, partial: PartialFile, { onBytes }: FileFetch): Promise<void> {
  onBytes(file.path, -partial.bytes);
  await partial.restart();
}

function rangeStart({ headers }: HubAnswer): number {
  return Number(/^bytes (\d+)-/.exec(headers['content-range'] ?? '')?.[1] ?? -1);
}

/**
 * The hub names the content in `X-Linked-Etag` (large files) or `ETag`. It must still be the content that was
 * listed. A content host's own ETag means nothing here, and a mirror may leave the header out.
 */
function checkAnnouncement(file: HubFile, { hubHeaders, body }: HubAnswer, fetch: FileFetch): void {
  const announced = /^(?:W\/)?"?([0-9a-f]{40}|[0-9a-f]{64})"?$/.exec(
    String(hubHeaders['x-linked-etag'] ?? hubHeaders.etag ?? ''),
  )?.[1];
  if (announced === undefined || announced === blobName(file) || announced === file.oid) return;
  body.destroy();
  throw corrupt(file, fetch, `the hub now announces ${announced}`);
}

function corrupt(file: HubFile, { repo }: FileFetch, why: string): BuildFailure {
  return new BuildFailure('DownloadCorrupt', `${repo}/${file.path} is not what the hub listed: ${why}`, {
    details: { path: file.path, bytes: file.bytes, expected: blobName(file) },
  });
}

function truncated(file: HubFile, partial: PartialFile, { repo }: FileFetch): BuildFailure {
  const message = `${repo}/${file.path} ended after ${partial.bytes} of ${file.bytes} bytes`;
  return new BuildFailure('DownloadTruncated', message, {
    details: { path: file.path, have: partial.bytes },
  });
}
