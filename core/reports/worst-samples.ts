import type { RougeMetric, VariantScores } from '../domain/measurement.ts';
import type { DegenerateText, WorstSample } from '../domain/report.ts';
import { findDegeneration } from '../metrics/degenerate.ts';

/** The samples that lost most of the metric against the baseline, worst first; ties in the order of the dataset. */
export function findWorstSamples(
  scores: { readonly variant: VariantScores; readonly baseline: VariantScores },
  metric: RougeMetric,
  limit: number,
): WorstSample[] {
  const baselines = new Map(scores.baseline.summary?.samples.map((sample) => [sample.id, sample]));
  const pairs = (scores.variant.summary?.samples ?? []).flatMap((variant) => {
    const baseline = baselines.get(variant.id);
    return baseline === undefined ? [] : [{ variant, baseline, loss: baseline[metric] - variant[metric] }];
  });
  return pairs
    .filter(({ loss }) => loss > 0)
    .sort((a, b) => b.loss - a.loss)
    .slice(0, limit)
    .map(({ variant, baseline }) => ({
      id: variant.id,
      metric,
      reference: variant.reference,
      baseline: { text: baseline.prediction, score: baseline[metric] },
      variant: { text: variant.prediction, score: variant[metric] },
    }));
}

/** Degenerate texts of trial and summaries, in that order. */
export function findDegenerateTexts({ trial, summary }: VariantScores, limit: number): DegenerateText[] {
  const texts = [
    ...(trial?.texts ?? []),
    ...(summary?.samples ?? []).map(({ id, prediction }) => ({ id, text: prediction })),
  ];
  return texts
    .flatMap(({ id, text }) => {
      const reason = findDegeneration(text);
      return reason === null ? [] : [{ id, reason, text }];
    })
    .slice(0, limit);
}
