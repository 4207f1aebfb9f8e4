import type { VariantScores } from '../domain/measurement.ts';
import type { GateVerdict, ReportGate } from '../domain/report.ts';
import { defaultIntervalPlan, type IntervalPlan } from '../metrics/statistics/estimate-interval.ts';
import type { Finding, GateContext, GateKind } from './gates/gate.ts';
import { gateKinds } from './gates/registry.ts';

export interface JudgeInput {
  readonly gates: readonly ReportGate[];
  readonly candidate: VariantScores;
  readonly baseline: VariantScores;
  /** The candidate is the baseline itself. */
  readonly isBaseline?: boolean;
  /** Largest difference of two runs of the baseline, by metric. */
  readonly noiseFloor?: { readonly [metric: string]: number } | null;
}

/**
 * Tests at one-sided 5 %: each bound of a two-sided 90 % interval is a one-sided 95 % bound. Resampling is seeded, so
 * that a verdict can be had again.
 */
export const gateIntervalPlan: IntervalPlan = { ...defaultIntervalPlan, confidence: 0.9 };

/** One verdict a gate, in the order of the gates. Never throws for bad scores: what cannot be judged is an error. */
export function judgeVariant(input: JudgeInput): GateVerdict[] {
  const context: GateContext = {
    candidate: input.candidate,
    baseline: input.baseline,
    isBaseline: input.isBaseline ?? false,
    noiseFloor: input.noiseFloor ?? {},
    plan: gateIntervalPlan,
  };
  return input.gates.map(({ metric, rule, bound }) => {
    const gate = { metric, rule, bound };
    return Object.assign(gate, judgeGate(gate, context));
  });
}

function judgeGate(gate: ReportGate, context: GateContext): Finding {
  const kinds: readonly GateKind[] = gateKinds;
  const kind = kinds.find(({ rule }) => rule === gate.rule);
  if (kind === undefined) return refuse(`There is no rule ${JSON.stringify(gate.rule)}`);
  if (!kind.allows(gate.bound))
    return refuse(`${gate.bound} is no bound for ${gate.rule}, which takes ${kind.bound}`);
  if (kind.metrics !== null && !kind.metrics.includes(gate.metric)) {
    return refuse(`${gate.rule} cannot judge ${gate.metric}, only ${kind.metrics.join(' and ')}`);
  }
  return kind.judge(gate, context);
}

function refuse(reason: string): Finding {
  return { verdict: 'error', sentence: `${reason}.`, value: null, interval: null };
}
