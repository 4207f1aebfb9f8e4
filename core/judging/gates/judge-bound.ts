import type { ReportGate } from '../../domain/report.ts';
import { formatFigure } from '../../metrics/format-figure.ts';
import { isAbsent, type MetricReading } from '../metrics/reading.ts';
import { comparesAlready, readMetric } from '../metrics/registry.ts';
import { readingInterval } from '../reading-interval.ts';
import { findAbsence } from './finding.ts';
import type { Finding, GateContext } from './gate.ts';

/** What `max` and `min` share: they differ only in the side that is good. */
export interface BoundSide {
  /** `at most` or `at least`. */
  readonly words: string;
  readonly isGood: (value: number, bound: number) => boolean;
}

/**
 * A figure against a fixed bound. With a known spread, the whole one-sided 95 % range must lie on the good side;
 * when the bound lies within the range, more samples are needed to tell.
 */
export function judgeBound(gate: ReportGate, context: GateContext, side: BoundSide): Finding {
  if (context.isBaseline && comparesAlready(gate.metric)) {
    return {
      verdict: 'pass',
      sentence: `${gate.metric} compares with the baseline, which this is.`,
      value: null,
      interval: null,
    };
  }
  const reading = readMetric(context.candidate, gate.metric);
  if (isAbsent(reading)) return findAbsence(gate.metric, reading);
  const interval = readingInterval(reading, context.plan);
  const demand = `${side.words} ${formatFigure(gate.bound, reading.unit)} is asked for`;
  const found = `${reading.title} is ${formatFigure(reading.value, reading.unit)}`;
  const common = { value: reading.value, interval };
  if (interval === null && reading.spread.kind !== 'none') {
    return {
      ...common,
      verdict: 'inconclusive',
      sentence: `${found}; ${demand}, but one sample cannot tell how far chance moved it.`,
    };
  }
  const { low, high } = interval ?? { low: reading.value, high: reading.value };
  const [isLowGood, isHighGood] = [side.isGood(low, gate.bound), side.isGood(high, gate.bound)];
  const range = interval === null ? '' : ` (${describeRange(reading, { low, high })})`;
  if (isLowGood !== isHighGood) {
    return {
      ...common,
      verdict: 'inconclusive',
      sentence: `${found}${range}; ${demand}, which lies within that range: more samples are needed.`,
    };
  }
  return { ...common, verdict: isLowGood ? 'pass' : 'fail', sentence: `${found}${range}; ${demand}.` };
}

function describeRange({ unit }: MetricReading, { low, high }: { low: number; high: number }): string {
  return `between ${formatFigure(low, unit)} and ${formatFigure(high, unit)}`;
}
