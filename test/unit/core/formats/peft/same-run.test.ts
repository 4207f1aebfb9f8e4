import { describe, expect, it } from 'vitest';
import {
  cosineOf,
  overlapOf,
  sameRunCosine,
  type Factors,
} from '../../../../../core/formats/peft/same-run.ts';

const [rank, columns, rows] = [4, 40, 30];

function factors(seed: number, scale = 1): Factors {
  let state = seed;
  const next = (): number => {
    state = (state * 48271) % 2147483647;
    return (state / 2147483647 - 0.5) * scale;
  };
  return {
    rank,
    a: Float64Array.from({ length: rank * columns }, next),
    b: Float64Array.from({ length: rows * rank }, next),
  };
}

function blend(first: Factors, second: Factors, part: number): Factors {
  const mix = (a: Float64Array, b: Float64Array) => a.map((value, at) => value + part * (b[at] ?? 0));
  return { rank, a: mix(first.a, second.a), b: mix(first.b, second.b) };
}

function deltaOf({ a, b }: Factors): number[] {
  return Array.from({ length: rows * columns }, (_, item) => {
    const [row, column] = [Math.floor(item / columns), item % columns];
    return Array.from(
      { length: rank },
      (_value, k) => (b[row * rank + k] ?? 0) * (a[k * columns + column] ?? 0),
    ).reduce((sum, one) => sum + one, 0);
  });
}

describe('the overlap of two deltas', () => {
  it('is the inner product of their products', () => {
    const [first, second] = [factors(1), factors(2)];
    const expected = deltaOf(first).reduce((sum, value, at) => sum + value * (deltaOf(second)[at] ?? 0), 0);

    expect(overlapOf(first, second).between).toBeCloseTo(expected, 10);
  });

  it('tells a later state of one run from another run', () => {
    const [early, other] = [factors(1), factors(7)];
    const later = blend(early, factors(3), 0.4);

    expect(cosineOf([overlapOf(early, later)])).toBeGreaterThan(sameRunCosine);
    expect(Math.abs(cosineOf([overlapOf(early, other)]))).toBeLessThan(0.2);
    expect(cosineOf([])).toBe(0);
  });
});
