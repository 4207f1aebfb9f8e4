import { BuildFailure } from '../../core/domain/failures.ts';
import type { HubAnswer, HubConnection } from './hub-connection.ts';
import { type HubFile, blobName } from './hub-file.ts';
import { refuse } from './judge-answer.ts';

export interface ContentRequest {
  readonly connection: HubConnection;
  readonly repo: string;
  readonly commit: string;
  readonly signal: AbortSignal;
}

/**
 * Asks for the bytes of a file from `from` on, up to but not including `to`. Answers 200, 206 or 416; whether a 206
 * begins where it was asked to is for the caller to look at. Throws what `refuse` throws for other answers, and
 * DownloadCorrupt when the hub now announces other content than it listed.
 */
export async function askContent(
  file: HubFile,
  { from, to }: { readonly from: number; readonly to: number },
  { connection, repo, commit, signal }: ContentRequest,
): Promise<HubAnswer> {
  const path = file.path.split('/').map(encodeURIComponent).join('/');
  const url = new URL(`${repo}/resolve/${commit}/${path}`, connection.endpoint);
  const last = to === file.bytes ? '' : String(to - 1);
  const whole = from === 0 && to === file.bytes;
  // identity: a compressed body has another length, and no ranges.
  const headers = { 'accept-encoding': 'identity', ...(whole ? {} : { range: `bytes=${from}-${last}` }) };
  const answer = await connection.get(url, headers, signal);
  const { status } = answer;
  if (status === 416 && !whole) return answer;
  if (status !== 200 && status !== 206)
    refuse(answer, { repo, revision: commit, path: file.path }, connection);
  checkAnnouncement(file, answer, repo);
  return answer;
}

/** First byte of a 206; -1 when it does not say. */
export function rangeStart({ headers }: HubAnswer): number {
  return Number(/^bytes (\d+)-/.exec(headers['content-range'] ?? '')?.[1] ?? -1);
}

/**
 * The hub names the content in `X-Linked-Etag` (large files) or `ETag`. It must still be the content that was
 * listed. A content host's own ETag means nothing here, and a mirror may leave the header out.
 */
function checkAnnouncement(file: HubFile, { hubHeaders, body }: HubAnswer, repo: string): void {
  const announced = /^(?:W\/)?"?([0-9a-f]{40}|[0-9a-f]{64})"?$/.exec(
    String(hubHeaders['x-linked-etag'] ?? hubHeaders.etag ?? ''),
  )?.[1];
  if (announced === undefined || announced === blobName(file) || announced === file.oid) return;
  body.destroy();
  throw corrupt(file, repo, `the hub now announces ${announced}`);
}

export function corrupt(file: HubFile, repo: string, why: string): BuildFailure {
  return new BuildFailure('DownloadCorrupt', `${repo}/${file.path} is not what the hub listed: ${why}`, {
    details: { path: file.path, bytes: file.bytes, expected: blobName(file) },
  });
}

export function truncated(file: HubFile, repo: string, have: number): BuildFailure {
  const message = `${repo}/${file.path} ended after ${have} of ${file.bytes} bytes`;
  return new BuildFailure('DownloadTruncated', message, { details: { path: file.path, have } });
}

/** Bytes came, but the last attempts all broke off: the reader should hear how far it got. */
export function cutShort(error: unknown, gained: number): boolean {
  return error instanceof BuildFailure && error.name === 'HubUnreachable' && gained > 0;
}
