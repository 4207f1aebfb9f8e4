import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Digest } from '../../core/domain/artifact.ts';

/** sha256 of a file, streamed. */
export async function sha256OfFile(path: string, signal?: AbortSignal): Promise<Digest> {
  const hash = createHash('sha256');
  // 1 MiB chunks: sha256 runs near memory speed there and the event loop stays free between them.
  const stream = createReadStream(path, {
    highWaterMark: 1 << 20,
    ...(signal === undefined ? {} : { signal }),
  });
  for await (const chunk of stream) hash.update(chunk as Uint8Array);
  return hash.digest('hex') as Digest;
}

export function sha256OfText(text: string): Digest {
  return createHash('sha256').update(text).digest('hex') as Digest;
}
