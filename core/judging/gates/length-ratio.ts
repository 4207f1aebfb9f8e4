import type { ReportGate } from '../../domain/report.ts';
import { ratio } from '../compare-readings.ts';
import { compareWithBaseline, rangeOf } from './compare-with-baseline.ts';
import { findAbsence } from './finding.ts';
import type { Finding, GateContext, GateKind } from './gate.ts';

/** MLPerf demands 90 % of the reference's length: an engine that stops early or rambles can hide it from ROUGE. */
export const lengthRatioGate = {
  rule: 'length-ratio',
  meaning: 'The texts are neither much shorter nor much longer than those of the baseline.',
  bound: 'the smallest ratio of lengths allowed, e.g. 0.9; the largest is its inverse',
  allows: (bound) => bound > 0 && bound <= 1,
  metrics: ['summary.outputTokens'],
  judge: judgeLength,
} as const satisfies GateKind;

function judgeLength(gate: ReportGate, context: GateContext): Finding {
  const comparison = compareWithBaseline(gate, context, ratio);
  if ('absent' in comparison) return findAbsence(gate.metric, comparison);
  const { value, interval } = comparison;
  const { low, high } = rangeOf(comparison);
  const [least, most] = [gate.bound, 1 / gate.bound];
  const found = `The texts are ${value.toFixed(3)} times as long as the baseline's (between ${low.toFixed(3)} and ${high.toFixed(3)})`;
  const demand = `${least.toFixed(3)} to ${most.toFixed(3)} is allowed`;
  if (low >= least && high <= most)
    return { verdict: 'pass', sentence: `${found}; ${demand}.`, value, interval };
  if (high < least || low > most)
    return { verdict: 'fail', sentence: `${found}; only ${demand}.`, value, interval };
  const sentence = `${found}; ${demand}, and the range leaves open whether it is kept: more samples are needed.`;
  return { verdict: 'inconclusive', sentence, value, interval };
}
