import type { TensorSpec } from './tensor.ts';
import { specBytes } from './spec-bytes.ts';

interface Item extends TensorSpec {
  readonly aliasOf?: string;
}

/**
 * Divides tensors into files by the rule of huggingface_hub (serialization/_base.py, `split_state_dict_into_shards_factory`):
 * in order and greedily, a tensor above the limit in a file of its own, names that share bytes together.
 */
export function splitIntoShards<T extends Item>(tensors: readonly T[], maxBytes: number): T[][] {
  const shards: T[][] = [];
  let current: T[] = [];
  let filled = 0;
  for (const tensor of tensors.filter(({ aliasOf }) => aliasOf === undefined)) {
    const bytes = specBytes(tensor);
    if (bytes > maxBytes) {
      shards.push([tensor]);
      continue;
    }
    if (filled + bytes > maxBytes) {
      shards.push(current);
      current = [];
      filled = 0;
    }
    current.push(tensor);
    filled += bytes;
  }
  if (current.length > 0) shards.push(current);
  return addAliases(shards, tensors);
}

function addAliases<T extends Item>(shards: T[][], tensors: readonly T[]): T[][] {
  const shardOf = new Map(shards.flatMap((shard) => shard.map(({ name }) => [name, shard] as const)));
  for (const tensor of tensors) if (tensor.aliasOf !== undefined) shardOf.get(tensor.aliasOf)?.push(tensor);
  return shards;
}

const units: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['B', 1],
  ['KB', 1e3],
  ['MB', 1e6],
  ['GB', 1e9],
  ['TB', 1e12],
]);

/** Bytes of a size such as `5GB` or `500MB`, decimal as huggingface_hub counts; undefined if it is none. */
export function parseShardSize(text: string): number | undefined {
  const match = /^(\d{1,15}(?:\.\d{1,9})?) ?([A-Za-z]{0,2})$/.exec(text.trim());
  const unit = units.get((match?.[2] ?? '').toUpperCase());
  const bytes = match === null || unit === undefined ? NaN : Math.floor(Number(match[1]) * unit);
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : undefined;
}
