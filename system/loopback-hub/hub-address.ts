import { HubRefusal } from './hub-refusal.ts';

/** What an address asks for. */
export interface HubAddress {
  readonly verb: 'model' | 'tree' | 'paths-info' | 'resolve';
  /** `namespace/name`. */
  readonly repo: string;
  readonly revision: string;
  /** Inside the repository, without a trailing slash; '' is its top. Foreign text: look it up, never open it. */
  readonly path: string;
  readonly query: URLSearchParams;
}

/**
 * The hub's addresses (https://huggingface.co/docs/hub/api, and what huggingface_hub and @huggingface/hub call):
 * `/api/models/{ns}/{name}[/revision/{rev} | /tree/{rev}[/folder] | /paths-info/{rev}]` and
 * `/{ns}/{name}/resolve/{rev}/{path}`. Throws HubRefusal 400 or 404.
 */
export function parseHubAddress(target: string): HubAddress {
  const text = `http://hub${target}`;
  if (!target.startsWith('/') || !URL.canParse(text)) throw new HubRefusal(400, 'Malformed address');
  const { pathname, searchParams } = new URL(text);
  const [, namespace, name, word, revision, path] =
    apiAddress.exec(pathname) ?? fileAddress.exec(pathname) ?? [];
  if (namespace === undefined || name === undefined) throw new HubRefusal(404, 'Not found');
  return {
    verb: isVerb(word) ? word : 'model',
    repo: `${decode(namespace)}/${decode(name)}`,
    revision: decode(revision ?? 'main'),
    path: decode(path ?? '').replace(/\/$/, ''),
    query: searchParams,
  };
}

// Matched before decoding, so that the revision `refs%2Fpr%2F1` stays one part.
const apiAddress =
  /^\/api\/models\/([^/]+)\/([^/]+)(?:\/(revision|tree|paths-info)\/([^/]+)(?:\/(.*))?)?\/?$/;
const fileAddress = /^\/([^/]+)\/([^/]+)\/(resolve)\/([^/]+)\/(.+)$/;

function isVerb(word: string | undefined): word is 'tree' | 'paths-info' | 'resolve' {
  return word === 'tree' || word === 'paths-info' || word === 'resolve';
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new HubRefusal(400, 'Malformed address');
  }
}
