import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { HubRefusal } from './hub-refusal.ts';
import { type Extent, parseRange } from './parse-range.ts';
import type { PublishedFile } from './published-repository.ts';

const types: { readonly [extension: string]: string } = {
  json: 'application/json; charset=utf-8',
  txt: 'text/plain; charset=utf-8',
  md: 'text/plain; charset=utf-8',
  jinja: 'text/plain; charset=utf-8',
};

/**
 * Answers GET or HEAD with a file or a range of it (RFC 9110 §14), streamed. `headers` name the content, `etag`
 * among them. Throws 404 when the file on disk is no longer the one that was listed.
 */
export async function sendContent(
  request: IncomingMessage,
  response: ServerResponse,
  content: {
    readonly file: PublishedFile;
    readonly headers: { readonly etag: string; readonly [name: string]: string };
  },
): Promise<void> {
  const { file, headers } = content;
  const found = await stat(file.absolute).catch(() => null);
  if (found?.size !== file.bytes)
    throw new HubRefusal(404, 'The file changed since it was listed', { code: 'EntryNotFound' });
  const extent = requestedExtent(request, headers.etag, file.bytes);
  response.setHeader('accept-ranges', 'bytes').setHeader('content-type', contentType(file.path));
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (extent === 'unsatisfiable') {
    response.writeHead(416, { 'content-range': `bytes */${file.bytes}`, 'content-length': 0 }).end();
    return;
  }
  const { first, last } = extent === 'whole' ? { first: 0, last: file.bytes - 1 } : extent;
  const range = extent === 'whole' ? {} : { 'content-range': `bytes ${first}-${last}/${file.bytes}` };
  response.writeHead(extent === 'whole' ? 200 : 206, { ...range, 'content-length': last - first + 1 });
  if (request.method === 'HEAD' || file.bytes === 0) response.end();
  else await stream(file.absolute, { first, last }, response);
}

/** A reader that goes away in the middle is everyday life for a hub. `last` bounds a file that grows meanwhile. */
async function stream(
  path: string,
  { first, last }: { first: number; last: number },
  response: ServerResponse,
) {
  await pipeline(createReadStream(path, { start: first, end: last }), response).catch(() =>
    response.destroy(),
  );
}

function requestedExtent({ method, headers }: IncomingMessage, etag: string, bytes: number): Extent {
  // A range that continues other content would be worse than none.
  const isOther = headers['if-range'] !== undefined && headers['if-range'] !== etag;
  return isOther || method === 'HEAD' ? 'whole' : parseRange(headers.range, bytes);
}

function contentType(path: string): string {
  return types[path.slice(path.lastIndexOf('.') + 1)] ?? 'application/octet-stream';
}
