import { BuildFailure } from '../../domain/failures.ts';
import type { MatrixRange } from '../../domain/weights-plan.ts';
import type { WeightTensor } from '../tensor.ts';
import { scaleOf } from './adapter-config.ts';
import { mismatch, type Adapter, type LoraPair } from './adapter-tensors.ts';
import { matrixOf } from './merge-state.ts';

/** Factors for one tensor on disk. */
export interface ExpertFactors {
  /** Name of the base's tensor. */
  readonly name: string;
  readonly a: MatrixRange;
  readonly b: MatrixRange;
}

/** How fused expert parameters are named apart on disk: by Mixtral, and by Qwen, OLMoE and DeepSeek. */
const namings = [
  { gate: 'w1', up: 'w3', down: 'w2' },
  { gate: 'gate_proj', up: 'up_proj', down: 'down_proj' },
] as const;

interface Experts {
  readonly folder: string;
  readonly naming: (typeof namings)[number];
  readonly count: number;
  /** Of a gate's weight: [intermediate, hidden]. */
  readonly intermediate: number;
  readonly hidden: number;
}

/**
 * peft's `target_parameters` adapts the experts of a layer together: A is [experts · r, in] with the experts apart, B is
 * [out, r · experts] with the experts of each rank side by side (peft tuners/lora/layer.py, `ParamWrapper`). The base keeps
 * every expert's matrices under names of their own, and gate and up apart. Undefined for a pair of another kind.
 */
export function spreadOverExperts(
  pair: LoraPair,
  adapter: Adapter,
  base: ReadonlyMap<string, { readonly base: WeightTensor }>,
): ExpertFactors[] | undefined {
  const module = pair.module.replace(/(?:\.base_layer)+$/, '');
  if (adapter.config.targetParameters.length === 0 || base.has(`${module}.weight`)) return undefined;
  const experts = findExperts(module, base);
  if (experts === undefined) {
    throw new BuildFailure(
      'AdapterUnsupported',
      `${adapter.label} adapts parameters of ${module}, which the base does not keep as one matrix for each expert`,
    );
  }
  const parts = partsFor(pair, experts);
  checkRank(pair, adapter, experts);
  if (parts === undefined) {
    throw mismatch(
      adapter,
      `has A [${pair.a.shape.join(', ')}] and B [${pair.b.shape.join(', ')}] for the ${experts.count} experts of ${module}`,
    );
  }
  return Array.from({ length: experts.count }, (_, expert) =>
    parts.map(({ part, firstRow, rows }) => ({
      name: `${experts.folder}.${expert}.${part}.weight`,
      a: sliceOfA(pair.a, expert, experts.count),
      b: sliceOfB(pair.b, { expert, count: experts.count, firstRow, rows }),
    })),
  ).flat();
}

/** The number of experts divides more than one rank; another one than the config's would only scale wrongly. */
function checkRank({ module, a }: LoraPair, adapter: Adapter, { count }: Experts): void {
  const { rank } = scaleOf(adapter.config, module);
  const [stacked = 0] = a.shape;
  if (stacked === rank * count) return;
  throw mismatch(
    adapter,
    `has A [${a.shape.join(', ')}] for the ${count} experts of ${module}, but its config gives rank ${rank}`,
  );
}

/** transformers 5 calls Mixtral's block `mlp`; on disk it is `block_sparse_moe`. */
function findExperts(
  module: string,
  base: ReadonlyMap<string, { readonly base: WeightTensor }>,
): Experts | undefined {
  for (const folder of [module, module.replace(/\.mlp\.experts$/, '.block_sparse_moe.experts')]) {
    for (const naming of namings) {
      const [intermediate, hidden] = base.get(`${folder}.0.${naming.gate}.weight`)?.base.shape ?? [];
      if (intermediate === undefined || hidden === undefined) continue;
      let count = 1;
      while (base.has(`${folder}.${count}.${naming.gate}.weight`)) count += 1;
      return { folder, naming, count, intermediate, hidden };
    }
  }
  return undefined;
}

/** Rows of B that belong to a matrix on disk: `gate_up_proj` holds the gate's rows before those of up. */
function partsFor(
  { a, b }: LoraPair,
  { naming, count, intermediate, hidden }: Experts,
): { part: string; firstRow: number; rows: number }[] | undefined {
  const [stackedRank = 0, columns] = a.shape;
  const [rows, joinedRank] = b.shape;
  if (a.shape.length !== 2 || b.shape.length !== 2 || stackedRank % count !== 0 || stackedRank !== joinedRank)
    return undefined;
  if (columns === hidden && rows === 2 * intermediate) {
    return [
      { part: naming.gate, firstRow: 0, rows: intermediate },
      { part: naming.up, firstRow: intermediate, rows: intermediate },
    ];
  }
  return columns === intermediate && rows === hidden
    ? [{ part: naming.down, firstRow: 0, rows: hidden }]
    : undefined;
}

function sliceOfA(tensor: WeightTensor, expert: number, count: number): MatrixRange {
  const matrix = matrixOf(tensor);
  const rows = matrix.rows / count;
  const [down] = matrix.strides ?? [matrix.columns];
  return { ...matrix, rows, offset: matrix.offset + expert * rows * down * itemBytesOf(tensor) };
}

interface SliceOfB {
  readonly expert: number;
  readonly count: number;
  readonly firstRow: number;
  readonly rows: number;
}

function sliceOfB(tensor: WeightTensor, { expert, count, firstRow, rows }: SliceOfB): MatrixRange {
  const matrix = matrixOf(tensor);
  const [down, right] = matrix.strides ?? [matrix.columns, 1];
  return {
    ...matrix,
    rows,
    columns: matrix.columns / count,
    offset: matrix.offset + (firstRow * down + expert * right) * itemBytesOf(tensor),
    strides: [down, right * count],
  };
}

function itemBytesOf({ dtype }: WeightTensor): number {
  return dtype === 'F64' ? 8 : dtype === 'F32' ? 4 : 2;
}
