import type { IntegerGrid } from './quantize-pieces.ts';
import type { FloatDtype, MatrixRange } from './weights-plan.ts';

/**
 * Plan of `enginewright-weights solve --plan FILE`: find codes for a model's linears by looking at what they are given.
 * The output is one file whose bytes are laid out here: `header` first, every tensor at its own offset from the start.
 * All offsets and sizes are bytes. Groups are solved in order, one in memory at a time.
 */
export interface SolvePlan {
  readonly version: 1;
  readonly output: { readonly path: string; readonly bytes: number; readonly header: string };
  readonly grid: IntegerGrid;
  /** Scales are values of this dtype; they are written as F32. */
  readonly scaleDtype: Exclude<FloatDtype, 'F64'>;
  readonly method: SolveMethod;
  readonly groups: readonly LinearGroup[];
}

export type SolveMethod =
  | {
      readonly kind: 'gptq';
      readonly damp: number;
      readonly order: 'natural' | 'activation';
    }
  | { readonly kind: 'awq' }
  | { readonly kind: 'smoothquant'; readonly alpha: number };

/** Linears that are given the same input. */
export interface LinearGroup {
  /** F64 in a file: Σ x xᵀ [columns, columns], mean |x| and max |x| [columns]. */
  readonly statistics: {
    readonly file: string;
    readonly columns: number;
    readonly gram: number;
    readonly meanAbs: number;
    readonly amax: number;
  };
  readonly linears: readonly SolvedLinearPlan[];
  /**
   * Where the inverse of the columns' scales goes: a vector (the norm before), written as F32, or the rows of a linear
   * of a later group. Null: no scales.
   */
  readonly fold:
    | { readonly kind: 'vector'; readonly vector: MatrixRange; readonly to: number }
    | { readonly kind: 'rows'; readonly linear: string }
    | null;
}

export interface SolvedLinearPlan {
  /** The module's name. */
  readonly name: string;
  readonly weights: MatrixRange;
  /** Offsets in the output: I8 [rows, columns], F32 [rows, groups], and I8 [rows, groups] when asymmetric. */
  readonly codes: number;
  readonly scales: number;
  readonly zeros: number | null;
  /** AWQ: also look for the largest magnitude worth keeping. */
  readonly clip: boolean;
}

/** One linear is done. Errors are Σ over tokens of |(Ŵ − W) x|², of plain rounding and of what was found. */
export interface SolvedEvent {
  readonly event: 'solved';
  readonly name: string;
  readonly roundedError: number;
  readonly error: number;
}
