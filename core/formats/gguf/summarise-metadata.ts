import type { GgufEntry, GgufValue } from './metadata.ts';

/** Metadata small enough to show and to keep in a manifest: arrays and long texts by their length. */
export type MetadataSummary = { readonly [key: string]: string | number | boolean };

// Chat templates run to kilobytes; every other text is a name.
const longestText = 200;

export function summariseMetadata(entries: Iterable<GgufEntry>): MetadataSummary {
  return Object.fromEntries(Array.from(entries, ([key, value]) => [key, summarise(value)]));
}

function summarise(value: GgufValue): string | number | boolean {
  if (value.type === 'array') return `${value.value.length} × ${value.of}`;
  if (typeof value.value === 'bigint') return String(value.value);
  if (typeof value.value === 'string' && value.value.length > longestText)
    return `${value.value.length} characters`;
  return value.value;
}
