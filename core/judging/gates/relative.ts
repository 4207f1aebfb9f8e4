import type { ReportGate } from '../../domain/report.ts';
import { formatFigure } from '../../metrics/format-figure.ts';
import { ratio } from '../compare-readings.ts';
import { compareWithBaseline, rangeOf } from './compare-with-baseline.ts';
import { findAbsence } from './finding.ts';
import type { Finding, GateContext, GateKind } from './gate.ts';

/** MLPerf's accuracy rule (99 % or 99.9 % of the reference), here with chance taken into account. */
export const relativeGate = {
  rule: 'relative',
  meaning:
    'The metric keeps the given share of the baseline; where lower is better, it grows to at most 1/share of it.',
  bound: 'the share of the baseline to keep, e.g. 0.99',
  allows: (bound) => Number.isFinite(bound) && bound > 0,
  metrics: null,
  judge: judgeRelative,
} as const satisfies GateKind;

function judgeRelative(gate: ReportGate, context: GateContext): Finding {
  const comparison = compareWithBaseline(gate, context, ratio);
  if ('absent' in comparison) return findAbsence(gate.metric, comparison);
  const { reading, value, interval } = comparison;
  const isHigherBetter = reading.better === 'higher';
  const limit = isHigherBetter ? gate.bound : 1 / gate.bound;
  const isGood = (figure: number): boolean => (isHigherBetter ? figure >= limit : figure <= limit);
  const { low, high } = rangeOf(comparison);
  const range = interval === null ? '' : ` (between ${percent(low)} and ${percent(high)})`;
  const found = `${reading.title} is ${percent(value)} of the baseline's ${formatFigure(comparison.baseline.value, reading.unit)}${range}`;
  const demand = `at ${isHigherBetter ? 'least' : 'most'} ${percent(limit)} is asked for`;
  if (isGood(low) !== isGood(high)) {
    const sentence = `${found}; ${demand}, which lies within that range: more samples are needed.`;
    return { verdict: 'inconclusive', sentence, value, interval };
  }
  return { verdict: isGood(low) ? 'pass' : 'fail', sentence: `${found}; ${demand}.`, value, interval };
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}
