import { rougeMetrics, type VariantScores } from '../domain/measurement.ts';
import type { ReportMetric } from '../domain/report.ts';
import { compareReadings, difference } from '../judging/compare-readings.ts';
import { isAbsent, type MetricReading } from '../judging/metrics/reading.ts';
import { comparesAlready, readMetric } from '../judging/metrics/registry.ts';
import { readingInterval } from '../judging/reading-interval.ts';
import { reportedFigures } from '../metrics/rouge/reported-figure.ts';
import { defaultIntervalPlan } from '../metrics/statistics/estimate-interval.ts';

/** Shown whenever they were measured; metrics that a gate names come on top. */
export const standardMetrics: readonly string[] = [
  ...rougeMetrics,
  'perplexity',
  'perplexity.meanOfWindows',
  'perplexity.bitsPerByte',
  'divergence.kld.mean',
  'divergence.kld.median',
  'divergence.kld.p99',
  'divergence.kldLowerBound.mean',
  'divergence.top1',
  'benchmark.tokensPerSecond',
  'benchmark.ttft.p50',
  'benchmark.tpot.p50',
  'benchmark.peakMemory',
  'trial.degenerate',
  'summary.degenerate',
  'summary.outputTokens',
  'size',
];

export interface MetricSources {
  readonly scores: VariantScores;
  readonly baseline: VariantScores;
  readonly isBaseline: boolean;
  readonly noiseFloor: { readonly [metric: string]: number };
}

/** Every metric of `paths` that was measured, with its interval and its change against the baseline. */
export function describeMetrics(paths: readonly string[], sources: MetricSources): ReportMetric[] {
  const reported =
    sources.scores.summary && reportedFigures(sources.scores.summary.samples, sources.scores.summary.dialect);
  return paths.flatMap((path) => {
    const reading = readMetric(sources.scores, path);
    if (isAbsent(reading)) return [];
    const rouge = rougeMetrics.find((metric) => metric === path);
    const { metric, title, unit, better, value, n, protocol } = reading;
    const interval = readingInterval(reading, defaultIntervalPlan);
    const change = describeChange(reading, sources);
    const described = { metric, title, unit, better, value, interval, n, protocol, change };
    return rouge === undefined || !reported ? described : { ...described, reported: reported[rouge] };
  });
}

function describeChange(
  reading: MetricReading,
  { baseline, isBaseline, noiseFloor }: MetricSources,
): ReportMetric['change'] {
  if (isBaseline || comparesAlready(reading.metric)) return null;
  const reference = readMetric(baseline, reading.metric);
  if (isAbsent(reference)) return null;
  const comparison = compareReadings(
    { candidate: reading, baseline: reference },
    difference,
    defaultIntervalPlan,
  );
  if ('absent' in comparison) return null;
  const { value, interval } = comparison;
  return { value, interval, aboveNoise: Math.abs(value) > (noiseFloor[reading.metric] ?? 0) };
}

/** By metric, how far two runs of the baseline lie apart; for divergences, the second run's own. */
export function measureNoiseFloor(
  paths: readonly string[],
  runs: { readonly baseline: VariantScores; readonly repeat: VariantScores },
): { [metric: string]: number } {
  return Object.fromEntries(
    paths.flatMap((path) => {
      const repeat = readMetric(runs.repeat, path);
      if (isAbsent(repeat)) return [];
      if (comparesAlready(path)) return [[path, repeat.value]];
      const baseline = readMetric(runs.baseline, path);
      return isAbsent(baseline) ? [] : [[path, Math.abs(repeat.value - baseline.value)]];
    }),
  );
}
