import type { ArtifactRef } from '../../core/domain/artifact.ts';
import type { EvaluationPlan } from '../../core/domain/plan.ts';
import { defineStep } from '../../core/domain/step.ts';

export interface ScoreEngineInput {
  readonly engine: ArtifactRef<'engine'>;
  /** Only for evaluations that compare two engines side by side. */
  readonly baseline: ArtifactRef<'engine'> | null;
  readonly toolchain: string;
  readonly evaluation: EvaluationPlan;
}

export const scoreEngine = defineStep({
  name: 'score-engine',
  version: 1,
  produces: 'scores',
  worker: 'engine',
  startToCloseTimeout: '12 hours',
  stallTimeoutMs: 600_000,
  dependsOn: { toolchain: true, machine: 'cpu' },
  key: ({ engine, baseline, toolchain, evaluation }: ScoreEngineInput) => {
    const { dataset, ...settings } = evaluation;
    return {
      inputs: {
        engine: engine.digest,
        dataset: dataset.digest,
        ...(baseline === null ? {} : { baseline: baseline.digest }),
      },
      parameters: { toolchain, ...settings },
    };
  },
  summary: ({ evaluation }) => describeEvaluation(evaluation),
});

/** An evaluation in words. */
export function describeEvaluation(evaluation: EvaluationPlan): string {
  return evaluation.kind === 'summarize'
    ? `score: summarize ${evaluation.samples} samples`
    : `score: ${evaluation.kind} on ${evaluation.windows} windows of ${evaluation.window} tokens`;
}
