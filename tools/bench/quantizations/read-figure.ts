import type { DivergenceScores, PerplexityScores, VariantScores } from '../../../core/domain/measurement.ts';
import { compareReadings, difference } from '../../../core/judging/compare-readings.ts';
import { isAbsent, type MetricReading } from '../../../core/judging/metrics/reading.ts';
import { readMetric } from '../../../core/judging/metrics/registry.ts';
import { nameWindows } from '../../../core/judging/metrics/window-protocol.ts';
import { readingInterval } from '../../../core/judging/reading-interval.ts';
import { defaultIntervalPlan } from '../../../core/metrics/statistics/estimate-interval.ts';
import { comparedFigures, type Difference, type Differences } from './quantization-record.ts';
import type { Figure, FigureName } from './quantization-record.ts';

const paths: { readonly [N in FigureName]: string } = {
  rouge1: 'rouge1',
  rouge2: 'rouge2',
  rougeL: 'rougeL',
  logLikelihood: 'perplexity',
  kl: 'divergence.kld.mean',
  top1: 'divergence.top1',
};

/** Null where it was not measured: a baseline does not diverge from itself. */
export function readFigure(scores: VariantScores, name: FigureName): MetricReading | null {
  const reading = readMetric(scores, paths[name]);
  if (isAbsent(reading)) return null;
  if (name === 'logLikelihood') return asLogLikelihood(reading);
  return name === 'top1' && scores.divergence !== undefined
    ? overWindows(reading, scores.divergence)
    : reading;
}

/** −ln of a pooled perplexity: differences of it are per token, and do not depend on how hard the text is. */
function asLogLikelihood(reading: MetricReading): MetricReading {
  const { spread } = reading;
  if (spread.kind !== 'units') return reading;
  const over = (units: ArrayLike<number>): number => -Math.log(spread.over(units));
  return {
    ...reading,
    metric: 'logLikelihood',
    unit: 'nats',
    better: 'higher',
    value: -Math.log(reading.value),
    spread: { ...spread, over },
  };
}

/** A report takes every token for a trial of its own; in pairs, and with windows as units, they need not be. */
function overWindows(reading: MetricReading, { windows }: DivergenceScores): MetricReading {
  const over = (units: ArrayLike<number>): number => {
    let matches = 0;
    let tokens = 0;
    for (let i = 0; i < units.length; i++) {
      matches += windows[units[i] ?? 0]?.top1Matches ?? Number.NaN;
      tokens += windows[units[i] ?? 0]?.tokens ?? Number.NaN;
    }
    return matches / tokens;
  };
  const ids = nameWindows(windows.length);
  return { ...reading, spread: { kind: 'units', ids, isPairable: true, isSmooth: true, over } };
}

export function figuresOf(scores: VariantScores): { [N in FigureName]?: Figure } {
  return Object.fromEntries(
    comparedFigures.flatMap((name) => {
      const reading = readFigure(scores, name);
      if (reading === null) return [];
      const interval = readingInterval(reading, defaultIntervalPlan);
      return [[name, { value: reading.value, low: interval?.low ?? null, high: interval?.high ?? null }]];
    }),
  );
}

/** Of every figure that both have, candidate − reference over the same samples and windows. */
export function differencesOf(candidate: VariantScores, reference: VariantScores): Differences {
  return Object.fromEntries(
    comparedFigures.flatMap((name) => {
      const mine = readFigure(candidate, name);
      const its = readFigure(reference, name);
      return mine === null || its === null ? [] : [[name, differenceOf(mine, its)]];
    }),
  );
}

/** Of the mean ln p of two engines on the same windows. Throws when the windows are not the same. */
export function logLikelihoodChange(candidate: PerplexityScores, baseline: PerplexityScores): Difference {
  const { logLikelihood } = differencesOf({ perplexity: candidate }, { perplexity: baseline });
  if (logLikelihood === undefined) throw new Error('no window was scored');
  return logLikelihood;
}

function differenceOf(candidate: MetricReading, baseline: MetricReading): Difference {
  const comparison = compareReadings({ candidate, baseline }, difference, defaultIntervalPlan);
  if ('absent' in comparison) throw new Error(`${candidate.metric}: ${comparison.reason}`);
  const { value, interval } = comparison;
  const { low, high } = interval ?? { low: null, high: null };
  return { value, low, high, finding: find({ low, high }, candidate.better) };
}

/** An interval that touches 0 tells nothing. */
function find(
  { low, high }: Pick<Figure, 'low' | 'high'>,
  better: MetricReading['better'],
): Difference['finding'] {
  if (low === null || high === null || (low <= 0 && high >= 0)) return 'not told apart';
  return low > 0 === (better === 'higher') ? 'better' : 'worse';
}
