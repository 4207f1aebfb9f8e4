import { describe, expect, it } from 'vitest';
import type { VariantScores } from '../../../../core/domain/measurement.ts';
import { gateKinds } from '../../../../core/judging/gates/registry.ts';
import { judgeVariant } from '../../../../core/judging/judge-variant.ts';
import { isMetricPath, metricPaths } from '../../../../core/judging/metrics/registry.ts';
import { worstVerdict } from '../../../../core/judging/verdict-order.ts';
import { divergenceOf, noise, perplexityOf, protocol, summaryOf, trialOf } from './scores-of.ts';

function judge(
  gate: [metric: string, rule: string, bound: number],
  candidate: VariantScores,
  baseline: VariantScores = {},
) {
  const [metric, rule, bound] = gate;
  const [verdict] = judgeVariant({ gates: [{ metric, rule, bound }], candidate, baseline });
  if (verdict === undefined) throw new Error('no verdict');
  return verdict;
}

const base = noise(300, 1).map((value) => 40 + 20 * value);
const shifted = (shift: number, spread = 0.5, seed = 2) => {
  const wobble = noise(base.length, seed);
  return base.map((score, i) => score + shift + spread * (wobble[i] ?? 0));
};
const loop = 'round and '.repeat(40);

describe('max and min', () => {
  const low = divergenceOf(noise(200, 3).map((value) => 0.03 + 0.01 * value));

  it.each([
    [0.05, 'pass', 'is asked for.'],
    [0.01, 'fail', 'at most 0.0100 is asked for.'],
    [0.03, 'inconclusive', 'more samples are needed'],
  ])('holds KL 0.03 against at most %d: %s', (bound, verdict, words) => {
    const found = judge(['divergence.kld.mean', 'max', bound], low);

    expect(found.verdict).toBe(verdict);
    expect(found.sentence).toContain(words);
    expect(found.value).toBeCloseTo(0.03, 2);
    expect(found.interval?.confidence).toBe(0.9);
  });

  it.each([
    [30, 'pass'],
    [50, 'fail'],
    [40, 'inconclusive'],
  ])('holds ROUGE-1 40 against at least %d: %s', (bound, verdict) => {
    expect(judge(['rouge1', 'min', bound], summaryOf(base)).verdict).toBe(verdict);
  });

  it('judges a top-1 agreement by its Wilson interval', () => {
    expect(judge(['divergence.top1', 'min', 0.94], low).interval?.method).toBe('wilson');
    expect(judge(['divergence.top1', 'min', 0.94], low).verdict).toBe('pass');
    expect(judge(['divergence.top1', 'min', 0.95], low).verdict).toBe('inconclusive');
  });

  it('judges a size as it is', () => {
    expect(judge(['size', 'max', 100], { engineBytes: 100 })).toMatchObject({
      verdict: 'pass',
      interval: null,
    });
    expect(judge(['size', 'max', 100], { engineBytes: 101 }).verdict).toBe('fail');
  });

  it('cannot tell from one sample', () => {
    expect(judge(['rouge1', 'min', 10], summaryOf([90])).verdict).toBe('inconclusive');
  });

  it('lets the baseline pass a divergence from itself without measuring it', () => {
    const gates = [{ metric: 'divergence.kld.mean', rule: 'max', bound: 0.05 }];

    expect(judgeVariant({ gates, candidate: {}, baseline: {}, isBaseline: true })[0]?.verdict).toBe('pass');
    expect(judgeVariant({ gates, candidate: {}, baseline: {} })[0]?.verdict).toBe('error');
  });
});

describe('non-inferior', () => {
  it.each([
    ['passes a variant that lost little', -0.1, 'pass', /changed by −0\.1/],
    ['passes one that gained', 2, 'pass', /\+2\.0/],
    ['fails one that lost more than the margin', -3, 'fail', /only a loss of up to 1\.00 is allowed/],
  ])('%s', (_, shift, verdict, words) => {
    const found = judge(['rouge1', 'non-inferior', 1], summaryOf(shifted(shift)), summaryOf(base));

    expect(found.verdict).toBe(verdict);
    expect(found.sentence).toMatch(words);
  });

  it('is inconclusive, not passed, with few noisy samples, and says how many would do', () => {
    const few = summaryOf(shifted(0, 20).slice(0, 20));

    const found = judge(['rouge1', 'non-inferior', 1], few, summaryOf(base.slice(0, 20)));

    expect(found.verdict).toBe('inconclusive');
    expect(found.sentence).toMatch(/about \d+ would tell/);
  });

  it('passes equal scores even on 20 samples and with no margin', () => {
    const same = summaryOf(base.slice(0, 20));

    expect(judge(['rouge1', 'non-inferior', 0], same, same)).toMatchObject({ verdict: 'pass', value: 0 });
  });

  it('does not trust four equal pairs', () => {
    const same = summaryOf(base.slice(0, 4));

    expect(judge(['rouge1', 'non-inferior', 1], same, same).verdict).toBe('inconclusive');
  });

  it('knows that a higher perplexity is a loss', () => {
    const nlls = noise(100, 4).map((value) => 320 + 30 * value);
    const baseline = perplexityOf(nlls);

    expect(
      judge(['perplexity', 'non-inferior', 0.5], perplexityOf(nlls.map((nll) => nll + 10)), baseline).verdict,
    ).toBe('fail');
    expect(
      judge(['perplexity', 'non-inferior', 0.5], perplexityOf(nlls.map((nll) => nll - 10)), baseline).verdict,
    ).toBe('pass');
  });

  it('finds the same in another order of the samples', () => {
    const baseline = summaryOf(base);
    const { summary } = summaryOf(shifted(-0.2));
    if (summary === undefined) throw new Error('no summary');
    const turned = { summary: { ...summary, samples: summary.samples.toReversed() } };

    expect(judge(['rouge1', 'non-inferior', 1], turned, baseline)).toEqual(
      judge(['rouge1', 'non-inferior', 1], { summary }, baseline),
    );
  });

  it('does not decide below the noise floor', () => {
    const gates = [{ metric: 'rouge1', rule: 'non-inferior', bound: 0.1 }];

    const [found] = judgeVariant({
      gates,
      candidate: summaryOf(shifted(1)),
      baseline: summaryOf(base),
      noiseFloor: { rouge1: 0.4 },
    });

    expect(found).toMatchObject({ verdict: 'inconclusive' });
    expect(found?.sentence).toMatch(/noise floor/);
  });

  it.each([
    ['a missing metric', {}, summaryOf(base), /no summaries were scored/],
    ['a missing baseline', summaryOf(base), {}, /for the baseline, no summaries/],
    ['a score that is not a number', summaryOf([...base.slice(1), Number.NaN]), summaryOf(base), /NaN/],
    ['another dialect', summaryOf(base, { dialect: 'mlperf' }), summaryOf(base), /different protocols/],
    ['another tokenizer', summaryOf(base, { tokenizer: 'zh-char' }), summaryOf(base), /different protocols/],
    ['other samples', summaryOf(base.slice(1)), summaryOf(base), /not measured on the same samples/],
  ])('calls %s an error', (_, candidate, baseline, reason) => {
    const found = judge(['rouge1', 'non-inferior', 1], candidate, baseline);

    expect(found).toMatchObject({ verdict: 'error', value: null });
    expect(found.sentence).toMatch(reason);
  });

  it('wrongly passes a loss at the margin about as rarely as it says', () => {
    const runs = 200;

    let passes = 0;
    for (let run = 0; run < runs; run++) {
      // 40 samples: Student's t, which is quick; the bootstrap's coverage is tested with the intervals.
      const wobble = noise(40, 500 + run);
      const baseline = noise(40, 9000 + run).map((value) => 40 + 20 * value);
      const candidate = baseline.map((score, i) => score - 1 + 5 * (wobble[i] ?? 0));
      if (judge(['rouge1', 'non-inferior', 1], summaryOf(candidate), summaryOf(baseline)).verdict === 'pass')
        passes++;
    }

    // 5 % of 200 is 10; three standard errors are 9.2.
    expect(passes).toBeLessThan(20);
    expect(passes).toBeGreaterThan(0);
  });
});

describe('relative', () => {
  it.each([
    ['rouge1', -0.1, 'pass'],
    ['rouge1', -3, 'fail'],
    ['rouge1', -0.4, 'inconclusive'],
  ] as const)('%s changed by %d is 99 %% of the baseline: %s', (metric, shift, verdict) => {
    expect(judge([metric, 'relative', 0.99], summaryOf(shifted(shift, 2)), summaryOf(base)).verdict).toBe(
      verdict,
    );
  });

  it('turns the share round where lower is better', () => {
    const nlls = noise(100, 4).map((value) => 320 + 30 * value);

    expect(
      judge(['perplexity', 'relative', 0.95], perplexityOf(nlls.map((nll) => nll + 1)), perplexityOf(nlls))
        .verdict,
    ).toBe('pass');
    expect(
      judge(['perplexity', 'relative', 0.95], perplexityOf(nlls.map((nll) => nll + 9)), perplexityOf(nlls))
        .verdict,
    ).toBe('fail');
  });

  it('is an error against nothing, and against zero', () => {
    expect(judge(['rouge1', 'relative', 0.99], summaryOf(base)).verdict).toBe('error');
    expect(judge(['rouge1', 'relative', 0.99], summaryOf(base), summaryOf(base.map(() => 0))).verdict).toBe(
      'error',
    );
  });
});

describe('no-degenerate', () => {
  const sound = ['One thing.', 'Another thing.', 'A third.', 'A fourth.'];

  it.each([
    ['pass', sound, sound],
    ['fail', [loop, ...sound.slice(1)], sound],
    ['inconclusive', [loop, ...sound.slice(1)], [loop, loop, 'Fine.', 'Good.']],
  ])('%s', (verdict, texts, baseline) => {
    expect(judge(['trial.degenerate', 'no-degenerate', 0], trialOf(texts), trialOf(baseline)).verdict).toBe(
      verdict,
    );
  });

  it('fails a baseline that loops', () => {
    const gates = [{ metric: 'trial.degenerate', rule: 'no-degenerate', bound: 0 }];
    const scores = trialOf([loop]);

    expect(judgeVariant({ gates, candidate: scores, baseline: scores, isBaseline: true })[0]?.verdict).toBe(
      'fail',
    );
  });

  it('is an error without texts', () => {
    expect(judge(['trial.degenerate', 'no-degenerate', 0], {}, trialOf(sound)).verdict).toBe('error');
  });
});

describe('length-ratio', () => {
  const lengths = (scale: number, spread: number): VariantScores => {
    const { summary } = summaryOf(base);
    const wobble = noise(base.length, 6);
    const samples =
      summary?.samples.map((sample, i) => ({
        ...sample,
        outputTokens: 50 * scale + spread * (wobble[i] ?? 0),
      })) ?? [];
    return { summary: { dialect: 'trtllm-summarize', tokenizer: 'ascii-words', samples } };
  };

  it.each([
    [1, 1, 'pass'],
    [0.5, 1, 'fail'],
    [1.5, 1, 'fail'],
    [0.9, 20, 'inconclusive'],
  ])('texts %d times as long, spread %d: %s', (scale, spread, verdict) => {
    expect(
      judge(['summary.outputTokens', 'length-ratio', 0.9], lengths(scale, spread), lengths(1, 0)).verdict,
    ).toBe(verdict);
  });

  it('is an error when lengths were not kept', () => {
    expect(judge(['summary.outputTokens', 'length-ratio', 0.9], {}, lengths(1, 0)).verdict).toBe('error');
  });
});

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

describe('judgeVariant', () => {
  it.each([
    ['an unknown rule', ['rouge1', 'better', 1], /no rule "better"/],
    ['an unknown metric', ['bleu', 'min', 1], /there is no such metric/],
    ['a negative margin', ['rouge1', 'non-inferior', -1], /-1 is no bound/],
    ['a metric the rule cannot judge', ['rouge1', 'no-degenerate', 0], /cannot judge rouge1/],
    ['a comparison of a comparison', ['divergence.kld.mean', 'non-inferior', 1], /use max or min/],
  ] as const)('calls %s an error', (_, [metric, rule, bound], reason) => {
    const found = judge([metric, rule, bound], summaryOf(base), summaryOf(base));

    expect(found.verdict).toBe('error');
    expect(found.sentence).toMatch(reason);
  });

  it('comes to the same verdicts again, byte for byte', () => {
    const input = {
      gates: gateKinds.map(({ rule }) => ({ metric: 'rouge1', rule, bound: 1 })),
      candidate: summaryOf(shifted(-0.9, 6)),
      baseline: summaryOf(base),
    };

    expect(JSON.stringify(judgeVariant(input))).toBe(JSON.stringify(judgeVariant(input)));
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
