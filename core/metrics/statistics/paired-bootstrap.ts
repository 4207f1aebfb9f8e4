import { BuildFailure } from '../../domain/failures.ts';
import type { Interval } from '../../domain/measurement.ts';
import { defaultIntervalPlan, estimateInterval, type IntervalPlan } from './estimate-interval.ts';
import { mean } from './mean.ts';

export interface PairedDifference {
  /** Mean of candidate − baseline. */
  readonly value: number;
  readonly interval: Interval | null;
}

/**
 * Mean difference of two equally long lists scored on the same units in the same order, with its interval from
 * resampled pairs. Throws InternalError when the lengths differ.
 */
export function pairedDifference(
  candidate: ArrayLike<number>,
  baseline: ArrayLike<number>,
  plan: IntervalPlan = defaultIntervalPlan,
): PairedDifference {
  if (candidate.length !== baseline.length) {
    throw new BuildFailure(
      'InternalError',
      `${candidate.length} scores cannot be paired with ${baseline.length}.`,
    );
  }
  const differences = Float64Array.from(candidate, (value, i) => value - (baseline[i] ?? Number.NaN));
  const statistic = meanOf(differences);
  return {
    value: mean(differences),
    interval: estimateInterval({ count: differences.length, statistic, isSmooth: true }, plan),
  };
}

/** The mean of the chosen values as a statistic. */
export function meanOf(values: Float64Array): (units: ArrayLike<number>) => number {
  return (units) => {
    let total = 0;
    for (let i = 0; i < units.length; i++) total += values[units[i] ?? 0] ?? Number.NaN;
    return total / units.length;
  };
}
