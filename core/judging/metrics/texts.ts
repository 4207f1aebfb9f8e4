import type { SummaryScores, VariantScores } from '../../domain/measurement.ts';
import { findDegeneration } from '../../metrics/degenerate.ts';
import { mean } from '../../metrics/statistics/mean.ts';
import { meanOf } from '../../metrics/statistics/paired-bootstrap.ts';
import { missing, type MetricAbsence, type MetricFamily, type MetricReading } from './reading.ts';

/** Share of degenerate texts, of the trial or of the summaries; and the mean length of the summaries. */
export const textsFamily: MetricFamily = {
  paths: ['trial.degenerate', 'summary.degenerate', 'summary.outputTokens'],
  comparesAlready: false,
  read: (scores, path) => {
    if (path === 'summary.outputTokens') return readLength(scores.summary);
    const texts = textsOf(scores, path);
    if (texts === null) return null;
    if (texts.length === 0) return missing('the engine wrote no text to look at');
    const count = texts.filter(({ text }) => findDegeneration(text) !== null).length;
    return {
      metric: path,
      title: path.startsWith('trial') ? 'Degenerate trial texts' : 'Degenerate summaries',
      unit: 'share',
      better: 'lower',
      value: count / texts.length,
      n: texts.length,
      protocol: {},
      spread: { kind: 'none' },
    };
  },
};

/** The texts a path speaks of; null when it speaks of none. */
export function textsOf(scores: VariantScores, path: string): readonly { id: string; text: string }[] | null {
  if (path === 'trial.degenerate') return scores.trial?.texts ?? [];
  if (path !== 'summary.degenerate') return null;
  return scores.summary?.samples.map(({ id, prediction }) => ({ id, text: prediction })) ?? [];
}

function readLength(summary: SummaryScores | undefined): MetricReading | MetricAbsence {
  const samples = summary?.samples ?? [];
  if (summary === undefined || samples.length === 0) return missing('no summaries were scored');
  const lengths = Float64Array.from(samples.flatMap(({ outputTokens }) => outputTokens ?? []));
  if (lengths.length !== samples.length)
    return missing('the lengths of the summaries in tokens were not kept');
  return {
    metric: 'summary.outputTokens',
    title: 'Length of the summaries',
    unit: 'tokens',
    better: 'higher',
    value: mean(lengths),
    n: lengths.length,
    protocol: { ...(summary.maxNewTokens !== undefined && { maxNewTokens: summary.maxNewTokens }) },
    spread: {
      kind: 'units',
      ids: samples.map(({ id }) => id),
      isPairable: true,
      isSmooth: true,
      over: meanOf(lengths),
    },
  };
}
