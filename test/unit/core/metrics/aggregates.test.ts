import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { findDegeneration } from '../../../../core/metrics/degenerate.ts';
import { aggregateDivergence } from '../../../../core/metrics/divergence.ts';
import { formatChange, formatFigure } from '../../../../core/metrics/format-figure.ts';
import { aggregatePerplexity, comparePerplexity } from '../../../../core/metrics/perplexity.ts';
import { aggregatePoint } from '../../../../core/metrics/throughput.ts';

const oracle = JSON.parse(
  readFileSync(new URL('../../../fixtures/oracles/ppl_fp32_cpu.json', import.meta.url), 'utf8'),
);
const protocol = { window: 512, stride: 512, textDigest: '0'.repeat(64) };
const windows: { tokens: number; nll: number }[] = oracle.models.base.window_nll.map((nll: number) => ({
  tokens: 511,
  nll,
}));

describe('perplexity', () => {
  it('agrees with torch on the sample model, pooled and as the mean of windows', () => {
    const figures = aggregatePerplexity({ protocol, windows });

    expect(figures).toMatchObject({ protocol, windows: 200, tokens: 102_200, bitsPerByte: null });
    expect(figures.pooled).toBeCloseTo(oracle.models.base.ppl, 6);
    expect(figures.meanOfWindows).toBeCloseTo(oracle.models.base.mean_of_window_ppl, 5);
  });

  it('weighs windows by their tokens and leaves out windows without any', () => {
    const figures = aggregatePerplexity({
      protocol: { ...protocol, textBytes: 100 },
      windows: [
        { tokens: 3, nll: 3 },
        { tokens: 1, nll: 5 },
        { tokens: 0, nll: 0 },
      ],
    });

    expect(figures.pooled).toBeCloseTo(Math.exp(2), 12);
    expect(figures.meanOfWindows).toBeCloseTo((Math.exp(1) + Math.exp(5)) / 2, 12);
    expect(figures.bitsPerByte).toBeCloseTo(8 / (Math.LN2 * 100), 12);
  });

  it('compares window by window, so that hard windows cancel', () => {
    const slightlyWorse = windows.map(({ tokens, nll }, i) => ({ tokens, nll: nll + 5.11 + (i % 2) * 0.2 }));

    const { ratio, ratioInterval, delta, deltaInterval } = comparePerplexity(
      { protocol, windows: slightlyWorse },
      { protocol, windows },
    );

    expect(ratio).toBeCloseTo(Math.exp((5.11 + 0.1) / 511), 6);
    expect(delta).toBeCloseTo(24.53253 * (ratio - 1), 4);
    expect((ratioInterval?.high ?? 9) - (ratioInterval?.low ?? 0)).toBeLessThan(0.0001);
    expect(deltaInterval?.low).toBeGreaterThan(0);
  });

  it('refuses no windows, and windows that do not match', () => {
    expect(() => aggregatePerplexity({ protocol, windows: [] })).toThrowError(
      expect.objectContaining({ name: 'DatasetEmpty' }),
    );
    expect(() =>
      comparePerplexity({ protocol, windows }, { protocol, windows: windows.slice(1) }),
    ).toThrowError(/paired/);
  });
});

describe('aggregateDivergence', () => {
  it('weighs positions equally and takes percentiles over positions', () => {
    const figures = aggregateDivergence({
      protocol,
      support: 'full',
      windows: [
        { tokens: 3, kldSum: 0.6, top1Matches: 3, kld: [0.1, 0.2, 0.3] },
        { tokens: 1, kldSum: 1, top1Matches: 0, kld: [1] },
      ],
    });

    expect(figures.mean).toBeCloseTo(0.4, 12);
    expect(figures.percentiles).toMatchObject({ median: 0.25, max: 1 });
    expect(figures.top1).toBe(0.75);
    expect(figures.top1Interval).toMatchObject({ method: 'wilson', n: 4 });
  });

  it('has no percentiles when a window kept no value per position', () => {
    const figures = aggregateDivergence({
      protocol,
      support: 20,
      windows: [{ tokens: 2, kldSum: 0.2, top1Matches: 2 }],
    });

    expect(figures).toMatchObject({ percentiles: null, support: 20 });
  });

  it('refuses no positions', () => {
    expect(() => aggregateDivergence({ protocol, support: 'full', windows: [] })).toThrowError(/No position/);
  });
});

describe('aggregatePoint', () => {
  const request = { sentMs: 0, firstTokenMs: 100, lastTokenMs: 1000, inputTokens: 8, outputTokens: 10 };

  it('counts tokens over the time from the first send to the last token', () => {
    const later = { ...request, sentMs: 500, firstTokenMs: 700, lastTokenMs: 2000, gapsMs: [1, 2, 3] };

    const figures = aggregatePoint({ concurrency: 2, requests: [request, later] });

    expect(figures).toMatchObject({
      concurrency: 2,
      requests: 2,
      outputTokensPerSecond: 10,
      requestsPerSecond: 1,
    });
    expect(figures.ttftMs).toMatchObject({ n: 2, mean: 150, p50: 150, p95: null, p99: null });
    expect(figures.latencyMs.p50).toBe(1250);
    expect(figures.tpotMs?.p50).toBeCloseTo((100 + 1300 / 9) / 2, 9);
    expect(figures.itlMs).toMatchObject({ n: 3, p50: 2 });
  });

  it('prints a tail only when there are enough requests', () => {
    const requests = Array.from({ length: 200 }, (_, i) => ({ ...request, firstTokenMs: 100 + i }));

    const { ttftMs, itlMs } = aggregatePoint({ concurrency: 1, requests });

    expect(ttftMs.p95).toBeCloseTo(100 + 199 * 0.95, 9);
    expect(ttftMs.p99).toBeNull();
    expect(itlMs).toBeNull();
  });

  it('has no time per token for one token', () => {
    expect(aggregatePoint({ concurrency: 1, requests: [{ ...request, outputTokens: 1 }] }).tpotMs).toBeNull();
  });

  it('refuses times that run backwards, and no requests', () => {
    const backwards = { ...request, firstTokenMs: -1 };

    expect(() => aggregatePoint({ concurrency: 1, requests: [backwards] })).toThrowError(
      expect.objectContaining({ name: 'ToolFailed' }),
    );
    expect(() => aggregatePoint({ concurrency: 1, requests: [] })).toThrowError(
      expect.objectContaining({ name: 'DatasetEmpty' }),
    );
  });
});

describe('findDegeneration', () => {
  it.each([
    ['an empty text', ' \n ', /empty/],
    ['one word over and over', 'no '.repeat(40), /"no" is repeated 40 times/],
    ['a phrase over and over', `It begins well. ${'and then the list '.repeat(20)}`, /repeated/],
    ['Chinese over and over', `好的，${'模型量化'.repeat(20)}`, /repeated 20 times/],
    ['one character', `Sum: ${'5'.repeat(60)}`, /character "5"/],
    ['replacement characters', 'abc\uFFFD\uFFFD\uFFFD def', /3 of 10 characters/],
  ])('finds %s', (_, text, reason) => {
    expect(findDegeneration(text)).toMatch(reason);
  });

  it.each([
    [
      'prose',
      'The UPDATE and DELETE statements are coded using a template that is very similar to the SELECT statement template. Both end in the same clause.',
    ],
    ['a short repetition', 'very very very good'],
    [
      'a list with a common start',
      Array.from({ length: 20 }, (_, i) => `The value of item ${i} is ${i * 7}.`).join(' '),
    ],
    ['one cut-off character at the end', 'a fine answer in many words that ends badly\uFFFD'],
    ['a ruled line', `Title\n${'-'.repeat(30)}\nText`],
    ['Chinese prose', '量化后的模型精度下降了百分之二，但是推理速度提高了一倍，内存占用也减少了一半以上。'],
  ])('leaves %s alone', (_, text) => {
    expect(findDegeneration(text)).toBeNull();
  });
});

describe('formatFigure', () => {
  it.each([
    [78.319, 'percent', '78.32'],
    [0.9774, 'share', '97.7 %'],
    [0.99974, 'share', '99.97 %'],
    [24.53253, 'perplexity', '24.533'],
    [0.00136, 'nats', '0.00136'],
    [0.0313, 'nats', '0.0313'],
    [0.000025, 'nats', '2.5e−5'],
    [0, 'nats', '0'],
    [13_700_000, 'bytes', '13.7 MB'],
    [999_700, 'bytes', '1.00 MB'],
    [12_345.6, 'tokens/s', '12,346 tok/s'],
    [-0.001, 'percent', '0.00'],
  ] as const)('writes %d as %s: %s', (value, unit, text) => {
    expect(formatFigure(value, unit)).toBe(text);
  });

  it('signs changes and tells percentage points from percent', () => {
    expect([
      formatChange(0.42, 'percent'),
      formatChange(-0.42, 'percent'),
      formatChange(0, 'percent'),
    ]).toEqual(['+0.42', '−0.42', '0.00']);
    expect(formatChange(-0.012, 'share')).toBe('−1.2 pp');
  });
});
