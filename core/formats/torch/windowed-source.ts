import type { ByteSource } from '../byte-source.ts';

/** Small reads near each other cost one real read: an archive has a header of some hundred bytes for every record. */
const windowBytes = 1 << 16;

/** The same bytes, read at least a window at a time. Not for large ranges, which would be copied. */
export function windowedSource(source: ByteSource): ByteSource {
  let from = 0;
  let window: Uint8Array = new Uint8Array();
  return {
    ...source,
    async read(offset, length) {
      if (offset < from || offset + length > from + window.length) {
        const most = Math.min(Math.max(length, windowBytes), source.bytes - offset);
        window = await source.read(offset, most);
        from = offset;
      }
      return window.slice(offset - from, offset - from + length);
    },
  };
}
