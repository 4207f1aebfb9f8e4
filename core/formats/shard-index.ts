import { BuildFailure } from '../domain/failures.ts';
import { baseName, corruptAt } from './byte-source.ts';
import { Decimal, JsonSyntaxError, parseStrictJson, type StrictJson } from './strict-json.ts';

/** `model.safetensors.index.json` and `pytorch_model.bin.index.json`: which shard holds which tensor. */
export interface ShardIndex {
  /** Tensor name → file name beside the index. */
  readonly shardOf: ReadonlyMap<string, string>;
  /** `metadata.total_size`: bytes of all tensors, as the writer of the index counted them. */
  readonly totalBytes: number | undefined;
}

// Sixty megabytes are real (half a million tensors); hundreds are an attack on the parser.
export const maxIndexBytes = 100_000_000;

/** Reads an index (huggingface_hub serialization, `weight_map`). WeightsCorrupt if malformed or leaving the folder. */
export function parseShardIndex(text: string, file: string): ShardIndex {
  const index = parseObject(text, file);
  const weightMap = index.get('weight_map');
  if (!(weightMap instanceof Map)) throw corruptAt(file, 0, 'has no weight_map');
  const shardOf = new Map<string, string>();
  for (const [name, shard] of weightMap) {
    if (typeof shard !== 'string' || !isBareName(shard)) {
      throw corruptAt(file, 0, `maps ${name} to ${JSON.stringify(shard)}, which is no file beside it`);
    }
    shardOf.set(name, shard);
  }
  return { shardOf, totalBytes: readTotal(index.get('metadata')) };
}

/** A total of another kind is as good as none: it decides nothing. */
function readTotal(metadata: StrictJson | undefined): number | undefined {
  const total = metadata instanceof Map ? metadata.get('total_size') : undefined;
  if (total instanceof Decimal) return total.value;
  return typeof total === 'number' ? total : undefined;
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

export interface CountedTensor {
  readonly bytes: number;
  readonly aliasOf?: string;
}

/**
 * A sentence about a total that fits the tensors neither with aliases counted once nor every time. Only a notice: tied
 * weights and old tools make the number wrong (safetensors convert.py counts names it then removes).
 */
export function describeTotal(
  { totalBytes }: ShardIndex,
  tensors: readonly CountedTensor[],
  file: string,
): string | undefined {
  const every = tensors.reduce((sum, { bytes }) => sum + bytes, 0);
  const once = tensors.reduce((sum, { bytes, aliasOf }) => sum + (aliasOf === undefined ? bytes : 0), 0);
  if (totalBytes === undefined || totalBytes === every || totalBytes === once) return undefined;
  return `${baseName(file)} tells of ${totalBytes} bytes in total, its tensors have ${once}`;
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
