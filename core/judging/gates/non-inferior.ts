import { formatChange, formatChangeRange, formatFigure } from '../../metrics/format-figure.ts';
import { normalQuantile } from '../../metrics/statistics/normal-quantile.ts';
import { difference } from '../compare-readings.ts';
import type { ReportGate } from '../../domain/report.ts';
import { compareWithBaseline, rangeOf, type BaselineComparison } from './compare-with-baseline.ts';
import { countOf, findAbsence } from './finding.ts';
import type { Finding, GateContext, GateKind } from './gate.ts';

/**
 * Non-inferiority as in clinical trials: a loss beyond the margin is ruled out at one-sided 95 %. That no difference
 * was found is not enough; too few samples never pass.
 */
export const nonInferiorGate = {
  rule: 'non-inferior',
  meaning: 'Compared sample by sample with the baseline, a loss larger than the margin is ruled out.',
  bound: 'the margin: the largest loss allowed, in the unit of the metric',
  allows: (bound) => Number.isFinite(bound) && bound >= 0,
  metrics: null,
  judge: judgeNonInferior,
} as const satisfies GateKind;

function judgeNonInferior(gate: ReportGate, context: GateContext): Finding {
  const comparison = compareWithBaseline(gate, context, difference);
  if ('absent' in comparison) return findAbsence(gate.metric, comparison);
  const { value, interval, reading } = comparison;
  const margin = formatFigure(gate.bound, reading.unit);
  const found = describeChange(comparison);
  const noise = context.noiseFloor[gate.metric];
  if (!context.isBaseline && noise !== undefined && noise > gate.bound) {
    const floor = formatFigure(noise, reading.unit);
    const sentence = `${found}; the margin of ${margin} lies below the noise floor: two runs of the baseline differ by ${floor}.`;
    return { verdict: 'inconclusive', sentence, value, interval };
  }
  const { low, high } = gainOf(comparison);
  const allowed = `a loss of up to ${margin} is allowed`;
  if (low >= -gate.bound) return { verdict: 'pass', sentence: `${found}; ${allowed}.`, value, interval };
  if (high < -gate.bound) return { verdict: 'fail', sentence: `${found}; only ${allowed}.`, value, interval };
  const sentence = `${found}; ${allowed}, and the range leaves open whether it is kept${adviseSamples(gate, comparison)}.`;
  return { verdict: 'inconclusive', sentence, value, interval };
}

function describeChange({ reading, value, interval, n }: BaselineComparison): string {
  const change = `${reading.title} changed by ${formatChange(value, reading.unit)}`;
  if (interval === null) return `${change} against the baseline`;
  const noun = reading.metric.startsWith('perplexity') ? 'window' : 'sample';
  const percent = Math.round(100 * interval.confidence);
  return `${change} (${percent} % range ${formatChangeRange(interval, reading.unit)}, ${countOf(n, noun)})`;
}

/** The range of the change, turned so that more is better. */
function gainOf(comparison: BaselineComparison): { low: number; high: number } {
  const { low, high } = rangeOf(comparison);
  return comparison.reading.better === 'higher' ? { low, high } : { low: -high, high: -low };
}

/** Samples that would pass with 80 % power if nothing is lost: n · ((z₀.₉₅ + z₀.₈) · SE / margin)². */
function adviseSamples({ bound }: ReportGate, { interval, n }: BaselineComparison): string {
  if (interval === null || bound === 0) return '';
  const error = (interval.high - interval.low) / 2 / normalQuantile(1 - (1 - interval.confidence) / 2);
  const needed = Math.ceil(n * (((normalQuantile(0.95) + normalQuantile(0.8)) * error) / bound) ** 2);
  return needed > n && needed < 1e6 ? `; about ${needed} would tell if nothing is lost` : '';
}
