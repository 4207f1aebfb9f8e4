import { BuildFailure } from '../../domain/failures.ts';
import type { CodeLayout, Grid, PackPiece, QuantizePiece } from '../../domain/quantize-pieces.ts';
import type { BytesPiece, MatrixRange, MergePiece } from '../../domain/weights-plan.ts';
import { bytesPiece } from '../pieces.ts';
import { isFloatDtype, type WeightTensor } from '../tensor.ts';
import type { Linear } from './format.ts';

/** A linear with the grid and the code layout its parts are stored with. */
export interface LinearGrid {
  readonly linear: Linear;
  readonly grid: Grid;
  readonly layout: CodeLayout;
}

export function codesPiece(target: LinearGrid, name: string): QuantizePiece | PackPiece {
  const codes = target.linear.solved?.codes;
  return codes === undefined
    ? rounded(target, 'codes', name)
    : packed(target, { part: 'codes', tensor: codes, name });
}

/** Zeros of a symmetric grid are constant; the layouts that store them anyway get them from the same kernel. */
export function zerosPiece(target: LinearGrid, name: string): QuantizePiece | PackPiece {
  const zeros = target.linear.solved?.zeros;
  return zeros === undefined
    ? rounded(target, 'zeros', name)
    : packed(target, { part: 'zeros', tensor: zeros, name });
}

/** Scales [out, groups], transposed for the layouts that want [groups, out]. */
export function scalesPiece(target: LinearGrid, name: string): QuantizePiece | MergePiece {
  const scales = target.linear.solved?.scales;
  if (scales === undefined) return rounded(target, 'scales', name);
  const stored = matrixOf(scales);
  const groupsFirst = ['gptq-v1', 'gptq-v2', 'awq'].includes(target.layout);
  return roundTo(groupsFirst ? transpose(stored) : stored, target.linear.scaleDtype, name);
}

export function tensorScalePiece(target: LinearGrid, name: string): QuantizePiece {
  return rounded(target, 'tensor-scale', name);
}

/** A float matrix with its values rounded to another dtype; a merge without adapters does just that. */
export function roundTo(base: MatrixRange, dtype: MergePiece['dtype'], name: string): MergePiece {
  return { kind: 'merge', base, dtype, changes: [], rounding: 'once', name };
}

/** A float tensor of one or two dimensions as a matrix. WeightsUnsupported for another dtype. */
export function matrixOf({ name, file, offset, dtype, shape, strides }: WeightTensor): MatrixRange {
  if (!isFloatDtype(dtype))
    throw new BuildFailure('WeightsUnsupported', `${name} is ${dtype}; only floats can be quantized`, {
      details: { tensor: name },
    });
  const columns = shape.at(-1) ?? 1;
  const rows = shape.slice(0, -1).reduce((product, size) => product * size, 1);
  const [down, along] = strides ?? [];
  const strided = shape.length === 2 && down !== undefined && along !== undefined;
  return { file, offset, dtype, rows, columns, ...(strided ? { strides: [down, along] } : {}) };
}

/** Little-endian integers as literal bytes. */
export function integersPiece(values: readonly number[], dtype: 'I32' | 'I64'): BytesPiece {
  const size = dtype === 'I32' ? 4 : 8;
  const view = new DataView(new ArrayBuffer(values.length * size));
  for (const [index, value] of values.entries()) {
    if (dtype === 'I32') view.setInt32(index * size, value, true);
    else view.setBigInt64(index * size, BigInt(value), true);
  }
  return bytesPiece(new Uint8Array(view.buffer));
}

/** Columns that share a scale. */
export function groupCount({ matrix }: Linear, group: number | null): number {
  return group === null ? 1 : matrix.columns / group;
}

/** QuantizationUnfit unless `size` is a whole number of `unit`. `what` names the size, e.g. `input features`. */
export function requireMultiple(linear: Linear, what: 'input' | 'output', unit: number): void {
  const size = what === 'input' ? linear.matrix.columns : linear.matrix.rows;
  if (size % unit === 0) return;
  throw new BuildFailure(
    'QuantizationUnfit',
    `${linear.module} has ${size} ${what} features, which is not a multiple of ${unit}`,
    { details: { module: linear.module } },
  );
}

function rounded(
  { linear, grid, layout }: LinearGrid,
  part: QuantizePiece['part'],
  name: string,
): QuantizePiece {
  const { matrix, scaleDtype, fusedWith } = linear;
  const piece = { kind: 'quantize', part, matrix, grid, layout, scaleDtype, name } as const;
  const hasOneScale = grid.kind === 'nvfp4' || (grid.kind === 'fp8' && grid.block[0] === null);
  return hasOneScale && fusedWith.length > 0 ? { ...piece, sharesScaleWith: fusedWith } : piece;
}

interface Packing {
  readonly part: PackPiece['part'];
  readonly tensor: WeightTensor;
  readonly name: string;
}

function packed({ grid, layout }: LinearGrid, { part, tensor, name }: Packing): PackPiece {
  if (grid.kind !== 'integer') throw new TypeError(`${name}: solvers find integers only`);
  const { file, offset, shape } = tensor;
  const [rows = 0, columns = 0] = shape;
  return { kind: 'pack', part, codes: { file, offset, rows, columns }, bits: grid.bits, layout, name };
}

function transpose(matrix: MatrixRange): MatrixRange {
  const { rows, columns, strides = [columns, 1] } = matrix;
  return { ...matrix, rows: columns, columns: rows, strides: [strides[1], strides[0]] };
}
