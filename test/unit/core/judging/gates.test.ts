import { describe, expect, it } from 'vitest';
import type { VariantScores } from '../../../../core/domain/measurement.ts';
import { judgeVariant } from '../../../../core/judging/judge-variant.ts';
import { noise, perplexityOf, summaryOf, trialOf } from './scores-of.ts';
import { base, judge, loop, shifted } from './judge-one.ts';

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
