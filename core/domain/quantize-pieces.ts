import type { Checked, FloatDtype, MatrixRange } from './weights-plan.ts';

/**
 * How a matrix becomes codes. `group` counts columns (the input dimension) that share a scale, at most 2^31, null the
 * whole row; `convention` is what a symmetric scale divides the largest magnitude by, because the field has three:
 * `full` 2^(bits−1), `restricted` 2^(bits−1) − 1, `centred` (2^bits − 1) / 2.
 */
export interface IntegerGrid {
  readonly kind: 'integer';
  readonly bits: 4 | 8;
  readonly group: number | null;
  readonly symmetric: boolean;
  readonly convention: 'full' | 'restricted' | 'centred';
}

/** FP8 e4m3; rows × columns that share a scale, null for all of them: [null, null] is per tensor, [1, null] per row. */
export interface Fp8Grid {
  readonly kind: 'fp8';
  readonly block: readonly [number | null, number | null];
}

/** NVFP4: e2m1 codes, an e4m3 scale for each 16 columns, the reciprocal of one F32 scale a tensor. */
export interface Nvfp4Grid {
  readonly kind: 'nvfp4';
}

export type Grid = IntegerGrid | Fp8Grid | Nvfp4Grid;

/**
 * Where codes lie. W is [out, in] everywhere.
 * `bytes`: one a byte, row-major (I8, or F8_E4M3). `packed-in`: I32 [out, ⌈in / n⌉], code + 2^(bits−1), lowest bits
 * first (compressed-tensors pack-quantized; its zero points are packed along out: I32 [⌈out / n⌉, groups]).
 * `gptq-v1`, `gptq-v2`: I32 [in / n, out] along in, zeros I32 [groups, out / n] (v1 stores zero − 1). `awq`: I32
 * [in, out / 8], nibble i holds column [0,2,4,6,1,3,5,7][i], zeros alike. `column-pairs`: U8 [out, in / 2], even column
 * low (e2m1).
 */
export type CodeLayout = 'bytes' | 'packed-in' | 'gptq-v1' | 'gptq-v2' | 'awq' | 'column-pairs';

/** One stored part of a matrix quantized by rounding to nearest. Scales of gptq and awq are [groups, out], others [out, groups]. */
export interface QuantizePiece extends Checked {
  readonly kind: 'quantize';
  readonly part: 'codes' | 'scales' | 'zeros' | 'tensor-scale';
  readonly matrix: MatrixRange;
  readonly grid: Grid;
  readonly layout: CodeLayout;
  /** Of the stored scales; codes are computed with the stored value. Ignored by nvfp4. */
  readonly scaleDtype: Exclude<FloatDtype, 'F64'>;
  /**
   * Matrices that share the one scale of the tensor with this one (fp8 per tensor, nvfp4): engines run q, k and v as one
   * linear, gate and up as well, and keep a single scale for it.
   */
  readonly sharesScaleWith?: readonly MatrixRange[];
}

/** Codes that a solver found (I8 [rows, columns], row-major), written in a layout. */
export interface PackPiece extends Checked {
  readonly kind: 'pack';
  readonly part: 'codes' | 'zeros';
  readonly codes: {
    readonly file: string;
    readonly offset: number;
    readonly rows: number;
    readonly columns: number;
  };
  readonly bits: 4 | 8;
  readonly layout: CodeLayout;
}

/** Event of `codes` pieces: how far the dequantised matrix is from the original. SQNR in dB, null when nothing is lost. */
export interface QuantizedEvent {
  readonly event: 'quantized';
  readonly name: string;
  readonly maxAbs: number;
  /** ‖W − Ŵ‖ / ‖W‖, Frobenius; 0 for a zero matrix. */
  readonly relativeFrobenius: number;
  readonly cosine: number;
  readonly sqnr: number | null;
}
