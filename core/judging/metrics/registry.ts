import { isBuildFailure } from '../../domain/failures.ts';
import type { VariantScores } from '../../domain/measurement.ts';
import { benchmarkFamily } from './benchmark.ts';
import { divergenceFamily } from './divergence.ts';
import { perplexityFamily } from './perplexity.ts';
import { missing, type MetricAbsence, type MetricFamily, type MetricReading } from './reading.ts';
import { rougeFamily } from './rouge.ts';
import { sizeFamily } from './size.ts';
import { textsFamily } from './texts.ts';

export const metricFamilies: readonly MetricFamily[] = [
  rougeFamily,
  perplexityFamily,
  divergenceFamily,
  benchmarkFamily,
  textsFamily,
  sizeFamily,
];

/** Every path a gate can name; `@<n>` stands for a concurrency. */
export const metricPaths: readonly string[] = metricFamilies.flatMap(({ paths }) => paths);

export function isMetricPath(path: string): boolean {
  return familyOf(path) !== undefined;
}

/** Whether the metric compares with the baseline by its nature, so that the baseline itself has none. */
export function comparesAlready(path: string): boolean {
  return familyOf(path)?.comparesAlready ?? false;
}

/** The figure a path names. A figure that is not finite counts as missing. */
export function readMetric(scores: VariantScores, path: string): MetricReading | MetricAbsence {
  const reading = readSafely(scores, path) ?? missing('there is no such metric');
  if ('absent' in reading || Number.isFinite(reading.value)) return reading;
  return missing(`its value is ${reading.value}, not a finite number`);
}

/** Scores that cannot be aggregated are a reason, not an exception: a gate must come to a verdict. */
function readSafely(scores: VariantScores, path: string): MetricReading | MetricAbsence | null {
  try {
    return familyOf(path)?.read(scores, path) ?? null;
  } catch (error) {
    if (!isBuildFailure(error)) throw error;
    return missing(error.message.replace(/\.$/, ''));
  }
}

function familyOf(path: string): MetricFamily | undefined {
  const general = path.replace(/^benchmark@[1-9]\d*\./, 'benchmark@<n>.');
  return metricFamilies.find(({ paths }) => paths.includes(general));
}
