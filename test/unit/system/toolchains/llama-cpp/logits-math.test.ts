import { describe, expect, it } from 'vitest';
import { argmax, divergeAt, logSumExp } from '../../../../../system/toolchains/llama-cpp/logits-math.ts';

describe('argmax', () => {
  it('looks at its own row only', () => {
    expect(argmax(Float32Array.of(9, 9, 1, 3, 2, 9), 2, 3)).toBe(1);
  });

  it('takes the first of equal values', () => {
    expect(argmax(Float32Array.of(1, 4, 4), 0, 3)).toBe(1);
  });
});

describe('logSumExp', () => {
  it('stays finite where exp would overflow', () => {
    expect(logSumExp(Float32Array.of(1000, 1000), 0, 2)).toBeCloseTo(1000 + Math.LN2, 10);
  });

  it('is not a number when a logit is not', () => {
    expect(logSumExp(Float32Array.of(1, Number.NaN), 0, 2)).toBeNaN();
  });
});

describe('divergeAt', () => {
  /** Logits whose softmax is exactly the given distribution, shifted, since logits have no zero point. */
  const logitsOf = (p: readonly number[], shift: number) => Float32Array.from(p, (x) => Math.log(x) + shift);

  it('is Σ p ln(p/q), whatever the zero points of the logits', () => {
    const [p, q] = [
      [0.5, 0.25, 0.25],
      [0.25, 0.25, 0.5],
    ];
    const pair = { baseline: logitsOf(p, 3), candidate: logitsOf(q, -2) };

    const found = divergeAt(pair, { offset: 0, size: 3 }, 0);

    expect(found.kld).toBeCloseTo(0.25 * Math.LN2, 6);
    expect(found.sameTop).toBe(false);
    expect(found.baselineNll).toBeCloseTo(Math.LN2, 6);
    expect(found.candidateNll).toBeCloseTo(2 * Math.LN2, 6);
  });

  it('is exactly 0 for equal logits', () => {
    const row = Float32Array.of(0.1, -7, 3, 2.5);

    expect(divergeAt({ baseline: row, candidate: row }, { offset: 0, size: 4 }, 1)).toMatchObject({
      kld: 0,
      sameTop: true,
    });
  });
});
