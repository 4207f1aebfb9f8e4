import { MersenneTwister } from '../statistics/mersenne-twister.ts';
import { percentileOfSorted } from '../statistics/percentile.ts';
import type { RougeScore } from './count-overlap.ts';

export interface BootstrapFigures {
  readonly low: RougeScore;
  /** The median of the resampled means: what rouge_score calls mid, and others print as the score. */
  readonly mid: RougeScore;
  readonly high: RougeScore;
}

const parts = ['precision', 'recall', 'f'] as const;

/**
 * rouge_score's BootstrapAggregator with its defaults (1,000 draws, 95 %) after `numpy.random.seed(seed)`, to the
 * last bit. One stream of random numbers runs through the types in the order of `scores`, so the order matters.
 */
export function bootstrapAggregate<M extends string>(
  scores: ReadonlyMap<M, readonly RougeScore[]>,
  seed: number,
): Map<M, BootstrapFigures> {
  const random = new MersenneTwister(seed);
  return new Map([...scores].map(([metric, samples]) => [metric, aggregate(samples, random)]));
}

function aggregate(samples: readonly RougeScore[], random: MersenneTwister): BootstrapFigures {
  const columns = parts.map((part) => Float64Array.from(samples, (sample) => sample[part]));
  const means = parts.map(() => new Float64Array(1000));
  for (let draw = 0; draw < 1000; draw++) {
    const sums = drawSums(columns, random);
    means.forEach((column, part) => (column[draw] = (sums[part] ?? 0) / samples.length));
  }
  for (const column of means) column.sort();
  const at = (q: number): RougeScore => {
    const [precision = 0, recall = 0, f = 0] = means.map((column) => percentileOfSorted(column, q));
    return { precision, recall, f };
  };
  // 1 − 0.95 is not 0.05 in doubles; the bounds come from it as in the original.
  const tail = (1 - 0.95) / 2;
  return { low: at(tail), mid: at(0.5), high: at(1 - tail) };
}

function drawSums(columns: readonly Float64Array[], random: MersenneTwister): [number, number, number] {
  const [p = new Float64Array(), r = p, f = p] = columns;
  const sums: [number, number, number] = [0, 0, 0];
  for (let i = 0; i < p.length; i++) {
    const unit = random.below(p.length);
    sums[0] += p[unit] ?? 0;
    sums[1] += r[unit] ?? 0;
    sums[2] += f[unit] ?? 0;
  }
  return sums;
}
