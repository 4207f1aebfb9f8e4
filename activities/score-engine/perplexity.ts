import type { PerplexityPlan } from '../../core/domain/plan.ts';
import { readText } from '../../system/datasets/read-dataset.ts';
import type { Scored, Scoring } from './activity.ts';

/** Pooled perplexity: exp of the summed negative log likelihood over all scored tokens. */
export async function scorePerplexity({
  evaluation,
  toolchain,
  engineFolder,
  datasetFolder,
  scope,
}: Scoring<PerplexityPlan>): Promise<Scored> {
  const source = await readText(datasetFolder);
  const scores = await toolchain.perplexity({ engineFolder, source, plan: evaluation }, scope);
  const tokens = scores.windows.reduce((sum, window) => sum + window.tokens, 0);
  const nll = scores.windows.reduce((sum, window) => sum + window.nll, 0);
  return { scores, facts: { perplexity: Math.exp(nll / tokens), windows: scores.windows.length } };
}
