import type { EvaluationPlan, PerplexityPlan, Plan } from '../../../core/domain/plan.ts';
import { sourceName } from '../../../core/domain/source-label.ts';
import type { QuantizationRecord } from './quantization-record.ts';
import type { VariantRun } from './read-run.ts';

type Work = Pick<
  QuantizationRecord,
  'model' | 'adapters' | 'calibration' | 'summaries' | 'windows' | 'baseline'
>;

/** What the recipe asked for; and of windows how many the text gave, because a short text gives fewer. */
export function describeWork(plan: Plan, baseline: VariantRun): Work {
  const { samples, dialect } = evaluationOf(plan, 'summarize');
  const scored = baseline.scores.perplexity?.windows ?? [];
  return {
    model: sourceName(plan.model),
    adapters: plan.adapters.map(({ source }) => sourceName(source)),
    calibration: plan.calibration && {
      windows: plan.calibration.windows,
      window: plan.calibration.window,
    },
    summaries: { samples, dialect },
    windows: {
      asked: perplexityPlan(plan).windows,
      scored: scored.length,
      tokens: scored.reduce((total, { tokens }) => total + tokens, 0),
    },
    baseline: plan.baseline,
  };
}

export function perplexityPlan(plan: Plan): PerplexityPlan {
  return evaluationOf(plan, 'perplexity');
}

function evaluationOf<K extends EvaluationPlan['kind']>(
  plan: Plan,
  wanted: K,
): Extract<EvaluationPlan, { kind: K }> {
  const found = plan.evaluations.find(
    (evaluation): evaluation is Extract<EvaluationPlan, { kind: K }> => evaluation.kind === wanted,
  );
  if (found === undefined) throw new Error(`the recipe does not evaluate: ${wanted}`);
  return found;
}
