import { BuildFailure } from '../domain/failures.ts';
import { corruptAt } from './byte-source.ts';
import { JsonSyntaxError, parseStrictJson } from './strict-json.ts';

/** `model.safetensors.index.json` and `pytorch_model.bin.index.json`: which shard holds which tensor. */
export interface ShardIndex {
  /** Tensor name → file name beside the index. */
  readonly shardOf: ReadonlyMap<string, string>;
}

// Tens of megabytes are real (half a million tensors); hundreds are an attack on the parser.
export const maxIndexBytes = 250_000_000;

/** Reads an index (huggingface_hub serialization, `weight_map`). WeightsCorrupt if malformed or leaving the folder. */
export function parseShardIndex(text: string, file: string): ShardIndex {
  const weightMap = parseObject(text, file).get('weight_map');
  if (!(weightMap instanceof Map)) throw corruptAt(file, 0, 'has no weight_map');
  const shardOf = new Map<string, string>();
  for (const [name, shard] of weightMap) {
    if (typeof shard !== 'string' || !isBareName(shard)) {
      throw corruptAt(file, 0, `maps ${name} to ${JSON.stringify(shard)}, which is no file beside it`);
    }
    shardOf.set(name, shard);
  }
  return { shardOf };
}

function parseObject(text: string, file: string) {
  try {
    const value = parseStrictJson(text);
    if (value instanceof Map) return value;
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw corruptAt(file, error.offset, error.message);
  }
  throw corruptAt(file, 0, 'is no JSON object');
}

function isBareName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\\\0]/.test(name);
}

export interface IndexedShards {
  readonly index: ShardIndex;
  /** Tensor name → the file that really has it. */
  readonly holders: ReadonlyMap<string, string>;
  /** Aliases of other tensors: indexes name them or leave them out. */
  readonly optional: ReadonlySet<string>;
  /** The index file, for messages. */
  readonly file: string;
}

/**
 * Index and shards must tell the same story both ways: every mapped tensor is in its file, every tensor is mapped to
 * the file it is in. Throws WeightsCorrupt naming the tensor.
 */
export function checkShardIndex({ index, holders, optional, file }: IndexedShards): void {
  for (const [name, shard] of index.shardOf) {
    const holder = holders.get(name);
    if (holder !== shard) {
      throw corruptAt(
        file,
        0,
        `maps ${name} to ${shard}, but ${holder === undefined ? 'no shard' : holder} has it`,
      );
    }
  }
  for (const [name, holder] of holders) {
    if (!index.shardOf.has(name) && !optional.has(name))
      throw corruptAt(file, 0, `does not name ${name}, which is in ${holder}`);
  }
}

/** The text of an index; names sorted by code unit as the Hugging Face writers do. */
export function writeShardIndex(shardOf: ReadonlyMap<string, string>, totalBytes: number): string {
  const pairs = [...shardOf].sort(([a], [b]) => (a < b ? -1 : 1));
  const lines = pairs.map(([name, shard]) => `    ${JSON.stringify(name)}: ${JSON.stringify(shard)}`);
  return `{\n  "metadata": {\n    "total_size": ${totalBytes}\n  },\n  "weight_map": {\n${lines.join(',\n')}\n  }\n}\n`;
}

/** Merges per-shard names into one map; the same tensor in two shards is WeightsCorrupt. */
export function mapHolders(
  shards: Iterable<{ readonly shard: string; readonly names: readonly string[] }>,
): Map<string, string> {
  const holders = new Map<string, string>();
  for (const { shard, names } of shards) {
    for (const name of names) {
      const other = holders.get(name);
      if (other !== undefined)
        throw new BuildFailure('WeightsCorrupt', `Both ${other} and ${shard} have tensor ${name}`);
      holders.set(name, shard);
    }
  }
  return holders;
}
