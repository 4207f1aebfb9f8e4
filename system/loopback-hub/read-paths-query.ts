import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { HubRefusal } from './hub-refusal.ts';

const query = z.object({
  paths: z.union([z.array(z.string()), z.string().transform((path) => [path])]),
  expand: z.boolean().default(false),
});
export type PathsQuery = z.infer<typeof query>;

const mostBytes = 1 << 20;

/** The body of a paths-info request: JSON from @huggingface/hub, a form from huggingface_hub. Throws 400. */
export async function readPathsQuery(request: IncomingMessage): Promise<PathsQuery> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    const piece = chunk as Uint8Array;
    bytes += piece.length;
    if (bytes > mostBytes) throw new HubRefusal(413, 'The request is too large');
    chunks.push(piece);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  const isForm = request.headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true;
  const parsed = query.safeParse(isForm ? fromForm(text) : fromJson(text));
  if (parsed.success) return parsed.data;
  throw new HubRefusal(400, 'paths must be a list of paths');
}

function fromForm(text: string): unknown {
  const form = new URLSearchParams(text);
  return { paths: form.getAll('paths'), expand: /^true$/i.test(form.get('expand') ?? '') };
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
