import { MersenneTwister } from './mersenne-twister.ts';

/** A figure as a function of the units (samples, windows) it is computed from, named by index; may repeat. */
export type Statistic = (units: Uint32Array) => number;

export interface ResamplePlan {
  readonly resamples: number;
  readonly seed: number;
}

/** The statistic over `resamples` draws with replacement of `count` units, ascending. */
export function resample(count: number, statistic: Statistic, plan: ResamplePlan): Float64Array {
  const random = new MersenneTwister(plan.seed);
  const units = new Uint32Array(count);
  return Float64Array.from({ length: plan.resamples }, () => {
    for (let i = 0; i < count; i++) units[i] = random.below(count);
    return statistic(units);
  }).sort();
}
