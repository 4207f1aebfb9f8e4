import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { HubRefusal } from './hub-refusal.ts';
import type { PublishedFile } from './published-repository.ts';
import { sendContent } from './send-content.ts';

/** The second host, which holds the large files. A signed address is the only key it knows. */
export interface ContentHost {
  /** Path and query under which the host gives the file out from now on. */
  publish(file: PublishedFile, sha256: string): string;
  answer(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

export function createContentHost(): ContentHost {
  const secret = randomBytes(32);
  const sign = (sha256: string): string => createHmac('sha256', secret).update(sha256).digest('hex');
  const published = new Map<string, PublishedFile>();
  return {
    publish(file, sha256) {
      published.set(sha256, file);
      return `/${sha256}?signature=${sign(sha256)}`;
    },
    async answer(request, response) {
      const url = new URL(request.url ?? '/', 'http://content');
      const sha256 = url.pathname.slice(1);
      // S3 refuses two kinds of credentials at once; here it shows a client that lets its token leave the hub.
      if (request.headers.authorization !== undefined)
        throw new HubRefusal(400, 'Only one auth mechanism allowed');
      if (!isEqual(url.searchParams.get('signature') ?? '', sign(sha256)))
        throw new HubRefusal(403, 'Signature does not match');
      const file = published.get(sha256);
      if (file === undefined) throw new HubRefusal(404, 'No such content');
      // A content host's ETag is its own affair, as behind the real hub: clients must go by X-Linked-Etag.
      await sendContent(request, response, { file, headers: { etag: `"${sha256.slice(0, 32)}"` } });
    },
  };
}

function isEqual(given: string, right: string): boolean {
  return given.length === right.length && timingSafeEqual(Buffer.from(given), Buffer.from(right));
}
