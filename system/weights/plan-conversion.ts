import { basename, join } from 'node:path';
import { plannedOf } from '../../core/formats/pieces.ts';
import { planWeightFile, type WeightFilePlan } from '../../core/formats/plan-weight-file.ts';
import { splitIntoShards } from '../../core/formats/split-shards.ts';
import type { WeightTensor } from '../../core/formats/tensor.ts';
import { settleAliases } from '../../core/formats/tied-tensors.ts';
import { renameWeightFile, weightFileName, type WeightFormat } from '../../core/formats/weight-files.ts';
import type { OpenedFile, OpenedWeights } from './open-weights.ts';

export interface ConversionTarget {
  readonly format: WeightFormat;
  /** Whether an output layer that shares the embedding's bytes is left to loaders to tie again. */
  readonly tiesWordEmbeddings: boolean;
}

export interface FolderTarget extends ConversionTarget {
  /** Absolute. */
  readonly folder: string;
  /** Largest file, bytes of its tensors; the input's own division when absent. */
  readonly maxShardBytes?: number;
}

/** One input file as one output file at `path`, which is absolute. */
export function planFile(file: OpenedFile, path: string, target: ConversionTarget): WeightFilePlan {
  return planWeightFile({
    path,
    ...target,
    tensors: file.tensors.map(plannedOf),
    metadata: withoutAliases(file.metadata, file.tensors),
  });
}

/** All files of a folder. Throws WeightsUnsupported for what the format cannot hold. */
export function planFolder(opened: OpenedWeights, target: FolderTarget): WeightFilePlan[] {
  const { folder, format, maxShardBytes } = target;
  if (maxShardBytes !== undefined) return planShards(opened, target, maxShardBytes);
  return opened.files.map((file) =>
    planFile(file, join(folder, renameWeightFile(basename(file.path), format)), target),
  );
}

function planShards(
  opened: OpenedWeights,
  { folder, ...target }: FolderTarget,
  maxBytes: number,
): WeightFilePlan[] {
  const planned = opened.tensors.map(plannedOf);
  const { tensors, dropped } = settleAliases(planned, target);
  const shards = splitIntoShards(tensors, maxBytes);
  const metadata = new Map(opened.files.toReversed().flatMap((file) => [...file.metadata]));
  return shards.map((shard, index) => {
    const held = new Set(shard.map(({ name }) => name));
    return planWeightFile({
      path: join(folder, weightFileName({ ...target, role: opened.role }, index + 1, shards.length)),
      ...target,
      // What was dropped goes with what it shares, so that the record of it stands in that file.
      tensors: planned.filter(({ name }) => held.has(name) || held.has(dropped.get(name) ?? '')),
      metadata: withoutAliases(metadata, opened.tensors),
    });
  });
}

/** Records of aliases are written anew, by what becomes of them now. */
function withoutAliases(
  metadata: ReadonlyMap<string, string>,
  tensors: readonly WeightTensor[],
): ReadonlyMap<string, string> {
  const names = new Set(tensors.map(({ name }) => name));
  return new Map([...metadata].filter(([key]) => !names.has(key)));
}
