import type { FloatDtype, InputCheck } from '../domain/weights-plan.ts';

/**
 * Bits of one item of every dtype a safetensors file can hold, in the order that the reference declares them
 * (safetensors `Dtype`, huggingface/safetensors safetensors/src/tensor.rs).
 */
export const dtypeBits = {
  BOOL: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  C64: 64,
  F64: 64,
  I64: 64,
  U64: 64,
} as const;
export type TensorDtype = keyof typeof dtypeBits;

const dtypeOrder = new Map(Object.keys(dtypeBits).map((dtype, rank) => [dtype, rank]));

/** Place of a dtype in the reference's own order, in which it lays files out. */
export function dtypeRank(dtype: TensorDtype): number {
  return dtypeOrder.get(dtype) ?? 0;
}

export function isTensorDtype(text: string): text is TensorDtype {
  return Object.hasOwn(dtypeBits, text);
}

/** What a tensor is, apart from where its bytes lie. `shape` in items; `[]` is a scalar; row-major. */
export interface TensorSpec {
  readonly name: string;
  readonly dtype: TensorDtype;
  readonly shape: readonly number[];
}

/** A tensor in a file. All offsets and sizes are bytes. */
export interface WeightTensor extends TensorSpec {
  /** Size once contiguous. */
  readonly bytes: number;
  /** Absolute path. */
  readonly file: string;
  /** Of the first item, from the start of the file. */
  readonly offset: number;
  /** In items, never negative; present only when the tensor is not contiguous in row-major order. */
  readonly strides?: readonly number[];
  /** Name of an earlier tensor whose very bytes, shape and dtype these are (tied weights). */
  readonly aliasOf?: string;
  /** The stretch of the file that holds it and the sum this must have, where the container tells one. */
  readonly check?: InputCheck;
}

/** The product of a shape, or undefined if it passes 2^53 at any point (as the reference, which multiplies checked). */
export function countItems(shape: readonly number[]): number | undefined {
  let items = 1;
  for (const size of shape) {
    items *= size;
    if (!Number.isSafeInteger(items)) return undefined;
  }
  return items;
}

/** Bytes of a contiguous tensor, or undefined if they are no whole number or beyond 2^53. */
export function countBytes(dtype: TensorDtype, shape: readonly number[]): number | undefined {
  const items = countItems(shape);
  if (items === undefined) return undefined;
  const bytes = (items * dtypeBits[dtype]) / 8;
  return Number.isSafeInteger(items * dtypeBits[dtype]) && Number.isInteger(bytes) ? bytes : undefined;
}

/** Strides of a contiguous row-major tensor, in items. */
export function rowMajorStrides(shape: readonly number[]): number[] {
  const strides: number[] = [];
  let step = 1;
  for (const size of shape.toReversed()) {
    strides.unshift(step);
    step *= size;
  }
  return strides;
}

/** Strides of dimensions with at most one item never move the pointer, so they do not count. */
export function isRowMajor(shape: readonly number[], strides: readonly number[]): boolean {
  if (shape.includes(0)) return true;
  const expected = rowMajorStrides(shape);
  return shape.every((size, axis) => size === 1 || strides[axis] === expected[axis]);
}

const floatDtypes: readonly string[] = ['F64', 'F32', 'F16', 'BF16'] satisfies readonly FloatDtype[];

/** The dtypes that can be multiplied and rounded; others can only be moved. */
export function isFloatDtype(dtype: string): dtype is FloatDtype {
  return floatDtypes.includes(dtype);
}
