/** The first and last byte to send, both inclusive; `whole` when there is no range that this server knows. */
export type Extent = 'whole' | 'unsatisfiable' | { readonly first: number; readonly last: number };

/**
 * The `Range` header against a content of `bytes` (RFC 9110 §14.1.2): `bytes=a-b`, `bytes=a-` or the last n bytes,
 * `bytes=-n`. Several ranges at once and malformed ones are ignored, as the RFC allows.
 */
export function parseRange(header: string | undefined, bytes: number): Extent {
  const match = /^bytes=(?:(\d+)-(\d*)|-(\d+))$/.exec(header ?? '');
  if (match === null) return 'whole';
  const [, from, to, tail] = match;
  if (from === undefined) return lastBytes(Number(tail), bytes);
  const first = Number(from);
  const last = to === undefined || to === '' ? bytes - 1 : Math.min(Number(to), bytes - 1);
  if (first >= bytes) return 'unsatisfiable';
  return last < first ? 'whole' : { first, last };
}

function lastBytes(count: number, bytes: number): Extent {
  return count === 0 || bytes === 0
    ? 'unsatisfiable'
    : { first: Math.max(0, bytes - count), last: bytes - 1 };
}
