import type { Interval } from '../../domain/measurement.ts';
import { mean, sum } from './mean.ts';
import { percentileOfSorted } from './percentile.ts';
import { resample, type Statistic } from './resample.ts';
import { studentQuantile } from './student-quantile.ts';

/** Below this many units the percentile bootstrap is too narrow and Student's t takes over. */
const fewUnits = 60;

export interface Estimate {
  /** How many units there are. */
  readonly count: number;
  readonly statistic: Statistic;
  /** False for quantiles: the jackknife does not hold for them. */
  readonly isSmooth: boolean;
}

export interface IntervalPlan {
  /** Two-sided, e.g. 0.95. */
  readonly confidence: number;
  readonly resamples: number;
  readonly seed: number;
}

/** 10,000 draws put the rounding of a 95 % bound near a hundredth of the interval's width. */
export const defaultIntervalPlan: IntervalPlan = { confidence: 0.95, resamples: 10_000, seed: 0 };

/**
 * Interval of a statistic over exchangeable units. From 60 units on the percentile bootstrap (Efron 1979); below,
 * the jackknife's standard error with Student's t, which for a mean is the classical t interval. For a paired
 * comparison the statistic is the difference over the same units. Null below two units. Same plan, same bytes.
 */
export function estimateInterval(
  estimate: Estimate,
  plan: IntervalPlan = defaultIntervalPlan,
): Interval | null {
  if (estimate.count < 2) return null;
  if (estimate.count < fewUnits && estimate.isSmooth) return jackknifeInterval(estimate, plan);
  const draws = resample(estimate.count, estimate.statistic, plan);
  const tail = (1 - plan.confidence) / 2;
  return {
    low: percentileOfSorted(draws, tail),
    high: percentileOfSorted(draws, 1 - tail),
    confidence: plan.confidence,
    method: 'bootstrap-percentile',
    n: estimate.count,
  };
}

function jackknifeInterval({ count, statistic }: Estimate, { confidence }: IntervalPlan): Interval {
  const all = Uint32Array.from({ length: count }, (_, i) => i);
  const without = all.reduce<number[]>((values, left) => {
    values.push(statistic(all.filter((unit) => unit !== left)));
    return values;
  }, []);
  const centre = mean(without);
  const error = Math.sqrt(((count - 1) / count) * sum(without.map((value) => (value - centre) ** 2)));
  const half = studentQuantile(1 - (1 - confidence) / 2, count - 1) * error;
  const value = statistic(all);
  return { low: value - half, high: value + half, confidence, method: 'jackknife-t', n: count };
}

/** Every unit once. */
export function allUnits(count: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, i) => i);
}
