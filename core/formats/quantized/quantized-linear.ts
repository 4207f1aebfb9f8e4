import type { WeightTensor } from '../tensor.ts';

interface StoredLinear {
  /** E.g. `model.layers.0.mlp.up_proj`. */
  readonly module: string;
  /** W is [rows, columns] = [out, in]. */
  readonly rows: number;
  readonly columns: number;
  readonly codes: WeightTensor;
  readonly scales: WeightTensor;
}

/**
 * Ŵ[o, i] = scales[o, g] · (code[o, i] − zero[o, g]), g = ⌊i / group⌋ or as `groupIndex` says. Layouts as `CodeLayout`
 * has them. Scales are F32, F16 or BF16 [rows, groups], of gptq and awq [groups, rows]; groups is 1 when `group` is null.
 */
export interface IntegerLinear extends StoredLinear {
  readonly kind: 'integer';
  readonly bits: 4 | 8;
  /** Columns that share a scale, null for the whole row. */
  readonly group: number | null;
  readonly layout: 'packed-in' | 'bytes' | 'gptq-v1' | 'gptq-v2' | 'awq';
  /** Absent when zero is always 0 (of signed codes). */
  readonly zeros?: WeightTensor;
  /** I32 [columns], the group of each column; absent when columns are grouped in their order. */
  readonly groupIndex?: WeightTensor;
}

/** Ŵ = scale · code: codes F8_E4M3 [rows, columns], scales F32, F16 or BF16, one for each block. */
export interface Fp8Linear extends StoredLinear {
  readonly kind: 'fp8';
  /** Rows × columns that share a scale, null for all of them. */
  readonly block: readonly [number | null, number | null];
}

/**
 * Ŵ = code · scale / tensorScale, or times it: codes e2m1, U8 [rows, columns / 2], even column low; scales F8_E4M3
 * [rows, columns / 16]; tensorScale one F32.
 */
export interface Nvfp4Linear extends StoredLinear {
  readonly kind: 'nvfp4';
  readonly tensorScale: WeightTensor;
  /** compressed-tensors stores 1 / scale of the tensor, ModelOpt the scale. */
  readonly reciprocal: boolean;
}

/** A linear whose weights are stored as codes. */
export type QuantizedLinear = IntegerLinear | Fp8Linear | Nvfp4Linear;

/** How the linears of a model are stored, in words that are equal for all methods. */
export interface StoredScheme {
  /** `quant_method` of the config. */
  readonly method: string;
  /** What the method calls this form of it. */
  readonly format: string;
  readonly weights: 'int4' | 'int8' | 'fp8' | 'nvfp4';
  /** Rows × columns that share a scale, null for all of them. */
  readonly block: readonly [number | null, number | null];
  readonly symmetric: boolean;
}

export interface QuantizedModel {
  readonly scheme: StoredScheme;
  /** In the order of the tensors. */
  readonly linears: readonly QuantizedLinear[];
  /** Everything else: embeddings, norms, biases, linears left as they were. */
  readonly others: readonly WeightTensor[];
}
