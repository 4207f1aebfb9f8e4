import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { estimateInterval } from '../../../../../core/metrics/statistics/estimate-interval.ts';
import { mean, standardDeviation, sum } from '../../../../../core/metrics/statistics/mean.ts';
import { MersenneTwister } from '../../../../../core/metrics/statistics/mersenne-twister.ts';
import { normalQuantile } from '../../../../../core/metrics/statistics/normal-quantile.ts';
import { meanOf, pairedDifference } from '../../../../../core/metrics/statistics/paired-bootstrap.ts';
import { canTellPercentile, percentile } from '../../../../../core/metrics/statistics/percentile.ts';
import { studentQuantile } from '../../../../../core/metrics/statistics/student-quantile.ts';
import { wilsonInterval } from '../../../../../core/metrics/statistics/wilson-interval.ts';

const { random } = JSON.parse(
  readFileSync(new URL('../../../../fixtures/rouge/vectors.json', import.meta.url), 'utf8'),
);

/** Standard normal values by Box and Muller. */
function normals(count: number, seed: number): Float64Array {
  const twister = new MersenneTwister(seed);
  const uniform = () => (twister.nextUint32() + 0.5) / 2 ** 32;
  return Float64Array.from(
    { length: count },
    () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
  );
}

describe('MersenneTwister', () => {
  it('gives the numbers of NumPy for the same seed', () => {
    const twister = new MersenneTwister(random.seed);

    expect(random.outputs.map(() => twister.nextUint32())).toEqual(random.outputs);
  });

  it('draws bounded integers as numpy.random.choice does', () => {
    const twister = new MersenneTwister(random.seed);

    expect(random.belowTwenty.map(() => twister.below(20))).toEqual(random.belowTwenty);
  });

  it('draws nothing when there is one choice', () => {
    const twister = new MersenneTwister(random.seed);

    twister.below(1);

    expect(twister.nextUint32()).toBe(random.outputs[0]);
  });
});

describe('percentile', () => {
  it.each([
    [[1, 2, 3, 4], 0.5, 2.5],
    [[4, 1, 3, 2], 0.25, 1.75],
    [[10], 0.99, 10],
    [[0, 10], 0.95, 9.5],
  ])('of %j at %d is %d, by linear interpolation', (values, q, expected) => {
    expect(percentile(values, q)).toBeCloseTo(expected, 12);
  });

  it('needs ten values beyond it', () => {
    expect([canTellPercentile(199, 0.95), canTellPercentile(200, 0.95)]).toEqual([false, true]);
    expect([canTellPercentile(999, 0.99), canTellPercentile(1000, 0.99)]).toEqual([false, true]);
    expect([canTellPercentile(0, 0.5), canTellPercentile(1, 0.5)]).toEqual([false, true]);
  });
});

describe('mean and deviation', () => {
  it('does not lose small terms beside large ones', () => {
    expect(sum([1e16, 1, -1e16, 1])).toBe(2);
  });

  it('divides by n − 1', () => {
    expect(mean([2, 4, 4, 4, 5, 5, 7, 9])).toBe(5);
    expect(standardDeviation([2, 4, 4, 4, 5, 5, 7, 9])).toBeCloseTo(Math.sqrt(32 / 7), 12);
    expect(standardDeviation([1])).toBeNaN();
  });
});

describe('quantiles', () => {
  it.each([
    [0.5, 0],
    [0.95, 1.6448536269514722],
    [0.975, 1.959963984540054],
    [0.001, -3.090232306167813],
  ])('of the normal distribution at %d', (p, z) => {
    expect(normalQuantile(p)).toBeCloseTo(z, 7);
  });

  it.each([
    [0.975, 1, 12.706204736432095],
    [0.975, 4, 2.7764451051977987],
    [0.95, 29, 1.6991270265334977],
    [0.995, 58, 2.6632869538098674],
  ])("of Student's t at %d with %d degrees of freedom", (p, df, t) => {
    expect(studentQuantile(p, df)).toBeCloseTo(t, 9);
  });
});

describe('wilsonInterval', () => {
  it('gives the textbook interval', () => {
    const interval = wilsonInterval(8, 10);

    expect(interval?.low).toBeCloseTo(0.4901625, 6);
    expect(interval?.high).toBeCloseTo(0.9433178, 6);
  });

  it('reaches the ends only with no or all hits, and has none without trials', () => {
    expect(wilsonInterval(0, 50)).toMatchObject({ low: 0 });
    expect(wilsonInterval(50, 50)).toMatchObject({ high: 1 });
    expect(wilsonInterval(49, 50)?.high).toBeLessThan(1);
    expect(wilsonInterval(0, 0)).toBeNull();
  });
});

describe('estimateInterval', () => {
  it('is the t interval of a mean below 60 units', () => {
    const values = Float64Array.from([3, 5, 7, 9]);

    const interval = estimateInterval({ count: 4, statistic: meanOf(values), isSmooth: true });

    const half = (3.182446305284263 * standardDeviation(values)) / 2;
    expect(interval).toMatchObject({ method: 'jackknife-t', n: 4, confidence: 0.95 });
    expect(interval?.low).toBeCloseTo(6 - half, 9);
    expect(interval?.high).toBeCloseTo(6 + half, 9);
  });

  it('gives the same bytes for the same seed, others for another', () => {
    const estimate = { count: 100, statistic: meanOf(normals(100, 1)), isSmooth: true };
    const plan = { confidence: 0.95, resamples: 2000, seed: 7 };

    const first = estimateInterval(estimate, plan);
    // Other sizes in between: kept draws must not change the outcome.
    for (const count of [61, 62, 63]) estimateInterval({ ...estimate, count }, plan);

    expect(estimateInterval(estimate, plan)).toEqual(first);
    expect(estimateInterval(estimate, { ...plan, seed: 8 })).not.toEqual(first);
  });

  it('draws the same whether or not the draws are kept', () => {
    const count = 801;
    const estimate = { count, statistic: meanOf(normals(count, 3)), isSmooth: true };
    const few = { confidence: 0.95, resamples: 100, seed: 1 };
    const random = new MersenneTwister(1);
    const means = Array.from({ length: 100 }, () =>
      estimate.statistic(Uint32Array.from({ length: count }, () => random.below(count))),
    );

    expect(estimateInterval(estimate, few)).toMatchObject({ low: percentile(means, 0.025000000000000022) });
  });

  it.each([30, 200])('covers the true mean about as often as it says, with %i units', (count) => {
    const plan = { confidence: 0.9, resamples: 400, seed: 3 };
    const runs = 400;

    let hits = 0;
    for (let run = 0; run < runs; run++) {
      const statistic = meanOf(normals(count, 1000 + run));
      const interval = estimateInterval({ count, statistic, isSmooth: true }, plan);
      if (interval !== null && interval.low <= 0 && 0 <= interval.high) hits++;
    }

    // Three standard errors of a rate of 0.9 over 400 runs are 0.045.
    expect(hits / runs).toBeGreaterThan(0.855);
    expect(hits / runs).toBeLessThan(0.945);
  });

  it('has no interval for one unit', () => {
    expect(estimateInterval({ count: 1, statistic: () => 1, isSmooth: true })).toBeNull();
  });
});

describe('pairedDifference', () => {
  it('is far tighter than the spread of the samples when both sides share it', () => {
    const baseline = normals(300, 11).map((value) => 40 + 11 * value);
    const candidate = baseline.map((value, i) => value - 0.5 + (i % 2 === 0 ? 0.4 : -0.4));

    const { value, interval } = pairedDifference(candidate, baseline);

    expect(value).toBeCloseTo(-0.5, 9);
    expect((interval?.high ?? 9) - (interval?.low ?? -9)).toBeLessThan(0.12);
  });

  it('is exactly zero for equal scores', () => {
    const scores = normals(80, 5);

    expect(pairedDifference(scores, scores)).toMatchObject({ value: 0, interval: { low: 0, high: 0 } });
  });

  it('refuses lists of different lengths', () => {
    expect(() => pairedDifference([1, 2], [1])).toThrowError(/cannot be paired/);
  });
});
