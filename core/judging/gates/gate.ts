import type { VariantScores } from '../../domain/measurement.ts';
import type { ReportGate } from '../../domain/report.ts';
import type { Verdict } from '../../domain/run-result.ts';
import type { Interval } from '../../domain/measurement.ts';
import type { IntervalPlan } from '../../metrics/statistics/estimate-interval.ts';

/** What a gate may look at. */
export interface GateContext {
  readonly candidate: VariantScores;
  readonly baseline: VariantScores;
  /** The candidate is the baseline itself. */
  readonly isBaseline: boolean;
  /** Largest difference of two runs of the baseline, by metric; empty when it was run once. */
  readonly noiseFloor: { readonly [metric: string]: number };
  /** Its confidence is the two-sided one, 1 − 2α for a one-sided test at α. */
  readonly plan: IntervalPlan;
}

/** What a kind of gate finds; the gate itself is added to make a {@link GateVerdict}. */
export interface Finding {
  readonly verdict: Verdict;
  readonly sentence: string;
  readonly value: number | null;
  readonly interval: Interval | null;
}

export interface GateKind {
  readonly rule: string;
  /** What the rule demands, in a sentence for the documentation. */
  readonly meaning: string;
  /** What `bound` is, with its unit. */
  readonly bound: string;
  /** The bounds that make sense. */
  readonly allows: (bound: number) => boolean;
  /** The metrics it can judge; null for every one. */
  readonly metrics: readonly string[] | null;
  readonly judge: (gate: ReportGate, context: GateContext) => Finding;
}
