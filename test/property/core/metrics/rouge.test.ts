import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rougeMetrics } from '../../../../core/domain/measurement.ts';
import { findDegeneration } from '../../../../core/metrics/degenerate.ts';
import { rougeScore } from '../../../../core/metrics/rouge/rouge-score.ts';
import { splitSentences } from '../../../../core/metrics/rouge/split-sentences.ts';
import { percentile } from '../../../../core/metrics/statistics/percentile.ts';
import { wilsonInterval } from '../../../../core/metrics/statistics/wilson-interval.ts';

const text = fc
  .array(fc.constantFrom('the', 'cat', 'Sat', 'on', 'mats.', 'running', 'news', '8.5%', '量化', '\n', '!'), {
    maxLength: 30,
  })
  .map((words) => words.join(' '));

describe('rougeScore', () => {
  it('stays in 0…1 and swaps precision with recall when the texts are swapped', () => {
    fc.assert(
      fc.property(text, text, fc.boolean(), (a, b, stemmer) => {
        const there = rougeScore(a, b, { stemmer });
        const back = rougeScore(b, a, { stemmer });
        for (const metric of rougeMetrics) {
          expect(there[metric]?.f).toBeGreaterThanOrEqual(0);
          expect(there[metric]?.f).toBeLessThanOrEqual(1);
        }
        // The union of Lsum is taken over the reference's lines, so it alone is not symmetric.
        for (const metric of ['rouge1', 'rouge2', 'rougeL'] as const) {
          const [x, y] = [there[metric], back[metric]];
          expect([x?.precision, x?.recall]).toEqual([y?.recall, y?.precision]);
        }
      }),
    );
  });

  it('gives 1 to a text against itself exactly when it has tokens', () => {
    fc.assert(
      fc.property(text, (a) => {
        expect(rougeScore(a, a).rouge1?.f).toBe(/[a-z0-9]/i.test(a) ? 1 : 0);
      }),
    );
  });

  it('never finds a common subsequence longer than the common words', () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        const { rouge1, rougeL } = rougeScore(a, b);
        expect(rougeL?.f).toBeLessThanOrEqual((rouge1?.f ?? 0) + 1e-12);
      }),
    );
  });
});

describe('splitSentences', () => {
  it('loses nothing but white space', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (a) => {
        expect(splitSentences(a).join('').replaceAll(/\s+/g, '')).toBe(a.replaceAll(/\s+/g, ''));
      }),
    );
  });
});

describe('findDegeneration', () => {
  it('comes to an answer for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (a) => {
        const reason = findDegeneration(a);
        expect(reason === null || reason.length > 0).toBe(true);
      }),
    );
  });
});

describe('statistics', () => {
  it('keeps percentiles within the values and in order', () => {
    const values = fc.array(fc.double({ noNaN: true, min: -1e9, max: 1e9 }), { minLength: 1 });
    fc.assert(
      fc.property(
        values,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (all, p, q) => {
          const [low, high] = [percentile(all, Math.min(p, q)), percentile(all, Math.max(p, q))];
          const slack = 1e-6;
          expect(low).toBeLessThanOrEqual(high + slack);
          expect(low).toBeGreaterThanOrEqual(Math.min(...all) - slack);
          expect(high).toBeLessThanOrEqual(Math.max(...all) + slack);
        },
      ),
    );
  });

  it('puts the rate inside its Wilson interval', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e6 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (n, share) => {
          const hits = Math.round(n * share);
          const interval = wilsonInterval(hits, n);
          expect(interval?.low).toBeLessThanOrEqual(hits / n + 1e-12);
          expect(interval?.high).toBeGreaterThanOrEqual(hits / n - 1e-12);
        },
      ),
    );
  });
});
