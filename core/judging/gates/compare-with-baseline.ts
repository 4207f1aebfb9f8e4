import type { ReportGate } from '../../domain/report.ts';
import { compareReadings, type Comparison, type Relation } from '../compare-readings.ts';
import { isAbsent, missing, type MetricAbsence, type MetricReading } from '../metrics/reading.ts';
import { comparesAlready, readMetric } from '../metrics/registry.ts';
import type { GateContext } from './gate.ts';

/** Fewer pairs than this may all agree by chance, and would then look certain. */
const fewestPairs = 5;

export interface BaselineComparison extends Comparison {
  readonly reading: MetricReading;
  readonly baseline: MetricReading;
}

/** The gate's metric of candidate and baseline, related; or why it cannot be. */
export function compareWithBaseline(
  { metric }: ReportGate,
  context: GateContext,
  relation: Relation,
): BaselineComparison | MetricAbsence {
  if (comparesAlready(metric)) return missing('it compares with the baseline already; use max or min');
  const reading = readMetric(context.candidate, metric);
  if (isAbsent(reading)) return reading;
  const baseline = readMetric(context.baseline, metric);
  if (isAbsent(baseline)) return { ...baseline, reason: `for the baseline, ${baseline.reason}` };
  const comparison = compareReadings({ candidate: reading, baseline }, relation, context.plan);
  if ('absent' in comparison) return comparison;
  if (!Number.isFinite(comparison.value))
    return missing('the baseline has the value 0, so there is no ratio');
  if (reading.spread.kind === 'units' && comparison.n < fewestPairs) {
    return {
      absent: 'too-few',
      reason: `${comparison.n} pairs are too few, at least ${fewestPairs} are needed`,
    };
  }
  return { ...comparison, reading, baseline };
}

/** Bounds that must hold for the whole range; a figure without interval is its own range. */
export function rangeOf({ value, interval }: Comparison): { low: number; high: number } {
  return interval ?? { low: value, high: value };
}
