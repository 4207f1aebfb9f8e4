import { describe, expect, it } from 'vitest';
import type { VariantScores } from '../../../../core/domain/measurement.ts';
import { isMetricPath, metricPaths } from '../../../../core/judging/metrics/registry.ts';
import { worstVerdict } from '../../../../core/judging/verdict-order.ts';
import { protocol } from './scores-of.ts';
import { judge } from './judge-one.ts';

describe('benchmark metrics', () => {
  const request = { sentMs: 0, firstTokenMs: 50, lastTokenMs: 1000, inputTokens: 8, outputTokens: 20 };
  const point = (concurrency: number, count: number) => ({
    concurrency,
    requests: Array.from({ length: count }, () => request),
  });
  const scores: VariantScores = {
    benchmark: { workload: { inputTokens: 8, outputTokens: 20 }, points: [point(8, 16), point(1, 10)] },
  };

  it('reads the lowest concurrency unless one is named', () => {
    expect(judge(['benchmark.tokensPerSecond', 'min', 100], scores)).toMatchObject({
      verdict: 'pass',
      value: 200,
    });
    expect(judge(['benchmark@8.tokensPerSecond', 'min', 100], scores)).toMatchObject({
      verdict: 'pass',
      value: 320,
    });
  });

  it('is inconclusive about a tail of ten requests, and an error about a point that was not measured', () => {
    expect(judge(['benchmark.ttft.p99', 'max', 100], scores).verdict).toBe('inconclusive');
    expect(judge(['benchmark.ttft.p50', 'max', 100], scores).verdict).toBe('pass');
    expect(judge(['benchmark@4.ttft.p50', 'max', 100], scores).verdict).toBe('error');
  });

  it('calls times out of order an error instead of throwing', () => {
    const broken = {
      ...scores,
      benchmark: {
        workload: { inputTokens: 8, outputTokens: 20 },
        points: [{ concurrency: 1, requests: [{ ...request, firstTokenMs: -5 }] }],
      },
    };

    expect(judge(['benchmark.ttft.p50', 'max', 100], broken)).toMatchObject({
      verdict: 'error',
      sentence: expect.stringContaining('out of order'),
    });
  });
});

describe('divergence metrics', () => {
  it('never takes a top-k lower bound for the divergence', () => {
    const topK: VariantScores = {
      divergence: {
        protocol,
        support: 20,
        windows: [
          { tokens: 10, kldSum: 0.1, top1Matches: 9 },
          { tokens: 10, kldSum: 0.1, top1Matches: 9 },
        ],
      },
    };

    expect(judge(['divergence.kld.mean', 'max', 0.5], topK)).toMatchObject({
      verdict: 'error',
      sentence: expect.stringContaining('kldLowerBound'),
    });
    expect(judge(['divergence.kldLowerBound.mean', 'max', 0.5], topK).verdict).toBe('pass');
  });
});

describe('metric paths', () => {
  it('knows each listed path, concurrencies, and nothing else', () => {
    for (const path of metricPaths) expect(isMetricPath(path.replace('<n>', '16'))).toBe(true);
    for (const path of ['rouge3', 'benchmark@0.ttft.p50', 'perplexity.', 'toString', ''])
      expect(isMetricPath(path)).toBe(false);
  });
});

describe('worstVerdict', () => {
  it('puts pass before inconclusive before fail before error', () => {
    expect(worstVerdict(['pass', 'inconclusive', 'pass'])).toBe('inconclusive');
    expect(worstVerdict(['fail', 'inconclusive'])).toBe('fail');
    expect(worstVerdict(['fail', 'error', 'pass'])).toBe('error');
    expect(worstVerdict([])).toBe('pass');
  });
});
