import { describe, expect, it } from 'vitest';
import { gateKinds } from '../../../../core/judging/gates/registry.ts';
import { judgeVariant } from '../../../../core/judging/judge-variant.ts';
import { divergenceOf, noise, perplexityOf, summaryOf } from './scores-of.ts';
import { base, judge, shifted } from './judge-one.ts';

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
