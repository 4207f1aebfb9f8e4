import type { SolvedEvent } from './solve-plan.ts';
import type { PackPiece, QuantizePiece, QuantizedEvent } from './quantize-pieces.ts';

/**
 * The plan file between TypeScript and `enginewright-weights`. TypeScript understands formats and peft; the
 * executable only moves and multiplies bytes, re-checking every range against the real file length.
 * All offsets and sizes are bytes; all multi-byte values little-endian.
 */
export interface WeightsPlan {
  readonly version: 1;
  readonly outputs: readonly OutputPlan[];
  readonly checks?: readonly InputCheck[];
}

/**
 * A range of an input file and the CRC-32 (zip polynomial, u32) its container gives for it. Unless every one is right, the
 * verb is WeightsCorrupt and publishes nothing. Ranges do not overlap.
 */
export interface InputCheck {
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
  readonly crc32: number;
  /** What the container calls it, for messages. */
  readonly name: string;
}

/** One output file: its pieces follow each other without gap. Written aside, fsynced, renamed when complete. */
export interface OutputPlan {
  /** Absolute path under its final name. */
  readonly path: string;
  /** Must equal the sum of the pieces. */
  readonly bytes: number;
  readonly pieces: readonly Piece[];
}

export type Piece = BytesPiece | RangePiece | GatherPiece | MergePiece | QuantizePiece | PackPiece;

/** Literal bytes: headers, padding, zip records. */
export interface BytesPiece {
  readonly kind: 'bytes';
  readonly base64: string;
}

export interface Checked {
  /**
   * Absolute output offsets that receive the CRC-32 (zip polynomial, u32) of this piece: behind it, inside the output, none
   * on another.
   */
  readonly crc32At?: readonly number[];
  /** Reported in events, e.g. the tensor's name. */
  readonly name?: string;
}

/** A contiguous range of an input file. */
export interface RangePiece extends Checked {
  readonly kind: 'range';
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
}

/** A strided view made contiguous in row-major order. `strides` count items, may be 0 (expanded); never negative. */
export interface GatherPiece extends Checked {
  readonly kind: 'gather';
  readonly file: string;
  readonly offset: number;
  readonly itemBytes: 1 | 2 | 4 | 8 | 16;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

export type FloatDtype = 'F64' | 'F32' | 'F16' | 'BF16';

/** A row-major matrix in a file; `strides` (rows, columns; in items) only when it is a view. */
export interface MatrixRange {
  readonly file: string;
  readonly offset: number;
  readonly dtype: FloatDtype;
  readonly rows: number;
  readonly columns: number;
  readonly strides?: readonly [number, number];
}

/** A matrix of rows × columns with the changes of adapters applied to it in order. */
export interface MergePiece extends Checked {
  readonly kind: 'merge';
  readonly base: MatrixRange;
  /** dtype of the result. */
  readonly dtype: FloatDtype;
  readonly changes: readonly MergeChange[];
  /**
   * `peft-default`: after each change, one rounding to dtype. `peft-safe`: Δ is rounded to dtype before it is added.
   * `once`: one rounding at the end. Round to nearest even everywhere.
   */
  readonly rounding: 'peft-default' | 'peft-safe' | 'once';
  /** Rows appended at the end, each the mean of all finished rows, rounded once. */
  readonly meanRows?: number;
}

export type MergeChange = LowRankChange | AddedMatrix | ReplacedRows;

/** W + Δ with Δ = scale · (B A): B rows × rank, A rank × columns. `transpose`: Δ is transposed before it is added. */
export interface LowRankChange {
  readonly kind: 'low-rank';
  readonly a: MatrixRange;
  readonly b: MatrixRange;
  readonly scale: number;
  readonly transpose?: boolean;
  /** Δ is rounded to dtype before it is added, in `peft-default` too. */
  readonly roundsDelta?: boolean;
  /**
   * One row, a length for each row of B: the rows of W + Δ (its columns with `transpose`) are rescaled to these lengths
   * before anything is rounded (DoRA, arXiv 2402.09353: m · V / ‖V‖).
   */
  readonly magnitude?: MatrixRange;
}

/** W + scale · M. */
export interface AddedMatrix {
  readonly kind: 'add';
  readonly matrix: MatrixRange;
  readonly scale: number;
}

/** Row `rows[i]` of W becomes row i of the source. */
export interface ReplacedRows {
  readonly kind: 'rows';
  readonly source: MatrixRange;
  readonly rows: readonly number[];
}

/** JSON lines on stdout of `enginewright-weights copy|merge|quantize --plan FILE`. */
export type WeightsEvent =
  | {
      readonly event: 'progress';
      readonly doneBytes: number;
      readonly totalBytes: number;
      readonly name?: string;
    }
  | { readonly event: 'output'; readonly path: string; readonly bytes: number; readonly sha256: string }
  | QuantizedEvent
  | SolvedEvent
  | {
      readonly event: 'digest';
      readonly name: string;
      readonly sha256: string;
    }
  | { readonly event: 'error'; readonly name: string; readonly message: string; readonly tensor?: string };

/** Plan of `enginewright-weights digest --plan FILE`: sha256 of each contiguous or gathered tensor. */
export interface DigestPlan {
  readonly version: 1;
  readonly inputs: readonly (RangePiece | GatherPiece)[];
  readonly checks?: readonly InputCheck[];
}
