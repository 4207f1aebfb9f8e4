import { BuildFailure } from '../../core/domain/failures.ts';
import type { DivergencePlan } from '../../core/domain/plan.ts';
import { readText } from '../../system/datasets/read-dataset.ts';
import type { Scored, Scoring } from './activity.ts';

/** Both engines read the same windows side by side; nothing but the figures is kept. */
export async function scoreDivergence(scoring: Scoring<DivergencePlan>): Promise<Scored> {
  const { evaluation, toolchain, engineFolder, baselineFolder, datasetFolder, scope } = scoring;
  if (baselineFolder === null)
    throw new BuildFailure('InternalError', 'divergence was asked for without a baseline');
  const source = await readText(datasetFolder);
  const scores = await toolchain.divergence(
    { engineFolder, baselineFolder, source, plan: evaluation },
    scope,
  );
  const sum = (pick: (window: (typeof scores.windows)[number]) => number): number =>
    scores.windows.reduce((total, window) => total + pick(window), 0);
  const tokens = sum((window) => window.tokens);
  return {
    scores,
    facts: {
      kld: sum((window) => window.kldSum) / tokens,
      top1: sum((window) => window.top1Matches) / tokens,
    },
  };
}
