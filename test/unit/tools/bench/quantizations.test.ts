import { describe, expect, it } from 'vitest';
import type { VariantScores } from '../../../../core/domain/measurement.ts';
import { addRow, emptyWindow } from '../../../../tools/bench/quantizations/certainty-window.ts';
import { parseOptions } from '../../../../tools/bench/quantizations/quantizations-options.ts';
import { differencesOf, figuresOf } from '../../../../tools/bench/quantizations/read-figure.ts';

const protocol = { window: 8, stride: 8, textDigest: 'a text' };

/** Eighty windows of ten tokens, whose scores go up and down so that an interval has a width. */
function scoresWith({ nll, kld, matches }: { nll: number; kld: number; matches: number }): VariantScores {
  const wave = Array.from({ length: 80 }, (_, index) => (index % 7) / 10);
  return {
    perplexity: { protocol, windows: wave.map((up) => ({ tokens: 10, nll: nll + up })) },
    divergence: {
      protocol,
      support: 'full',
      windows: wave.map((up, index) => ({
        tokens: 10,
        kldSum: kld + up,
        top1Matches: matches - (index % 2),
      })),
    },
  };
}

const reference = scoresWith({ nll: 40, kld: 2, matches: 8 });

describe('the differences of two engines', () => {
  it('point to the better one, whichever way the figure counts', () => {
    const differences = differencesOf(scoresWith({ nll: 38, kld: 1, matches: 9 }), reference);

    expect(differences.logLikelihood).toMatchObject({ value: expect.closeTo(0.2), finding: 'better' });
    expect(differences.kl).toMatchObject({ value: expect.closeTo(-0.1), finding: 'better' });
    expect(differences.top1).toMatchObject({ value: expect.closeTo(0.1), finding: 'better' });
    const turned = differencesOf(reference, scoresWith({ nll: 38, kld: 1, matches: 9 }));
    expect(Object.values(turned).map(({ finding }) => finding)).toEqual(['worse', 'worse', 'worse']);
  });

  it('are not told apart where the interval of the pairs holds 0', () => {
    const shuffled = {
      ...reference,
      perplexity: { protocol, windows: reference.perplexity?.windows.toReversed() ?? [] },
    };

    const { logLikelihood, kl } = differencesOf(shuffled, reference);

    expect(logLikelihood?.finding).toBe('not told apart');
    expect(logLikelihood?.low).toBeLessThan(0);
    expect(logLikelihood?.high).toBeGreaterThan(0);
    expect(kl).toMatchObject({ value: 0, low: 0, high: 0, finding: 'not told apart' });
  });

  it('leave out what one of the two does not have, as a baseline has no divergence', () => {
    const { perplexity } = reference;

    expect(Object.keys(differencesOf(reference, perplexity === undefined ? {} : { perplexity }))).toEqual([
      'logLikelihood',
    ]);
  });

  it('are refused for engines that did not read the same windows', () => {
    const { perplexity } = scoresWith({ nll: 40, kld: 2, matches: 8 });
    const other = {
      perplexity: { protocol: { ...protocol, textDigest: 'another' }, windows: perplexity?.windows ?? [] },
    };

    expect(() => differencesOf(other, reference)).toThrow('measured by different protocols');
  });
});

it('the figures of an engine have intervals over windows, top-1 too', () => {
  const { top1, kl } = figuresOf(reference);

  expect(top1?.value).toBeCloseTo(0.75);
  expect((top1?.high ?? 0) - (top1?.low ?? 0)).toBeGreaterThan(0.01);
  expect(kl?.low).toBeLessThan(kl?.value ?? 0);
});

describe('the certainty of an engine', () => {
  it('is that of its distribution, by hand: probabilities ½, ¼, ¼', () => {
    const window = emptyWindow();
    const logits = Float32Array.from([Math.log(2), 0, 0]);

    addRow(window, logits, { target: 1, temperature: 1 });
    addRow(window, logits, { target: 0, temperature: 1 });

    expect(window).toMatchObject({ tokens: 2, right: 1, firstChoice: expect.closeTo(1) });
    expect(window.entropy).toBeCloseTo(3 * Math.LN2, 6);
    expect(window.nll).toBeCloseTo(3 * Math.LN2, 6);
    expect(window.temperedNll).toBeCloseTo(window.nll, 12);
  });

  it('moves towards all tokens alike as the logits are divided by more', () => {
    const window = emptyWindow();

    addRow(window, Float32Array.from([0, 4, 0]), { target: 0, temperature: 1e6 });

    expect(window.nll).toBeGreaterThan(4);
    expect(window.temperedNll).toBeCloseTo(Math.log(3), 4);
  });
});

describe('the flags', () => {
  it('have defaults in the repository, and help instead of a run', () => {
    expect(parseOptions([], '/root')).toEqual({
      recipe: '/root/examples/sample/quantizations.yaml',
      home: null,
      to: '/root/docs/results',
      command: 'npm run bench:quantizations',
    });
    expect(parseOptions(['--help'], '/root')).toBeUndefined();
  });

  it('tell another recipe in the command, but no path of this machine', () => {
    const args = ['--recipe', '/root/other.yaml', '--home', '/home', '--to', '/out'];

    expect(parseOptions(args, '/root')?.command).toBe('npm run bench:quantizations -- --recipe other.yaml');
    expect(() => parseOptions(['--nonsense'], '/root')).toThrow("Unknown option '--nonsense'");
  });
});
