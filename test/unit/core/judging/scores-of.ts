import type { SummaryScores, VariantScores } from '../../../../core/domain/measurement.ts';
import { MersenneTwister } from '../../../../core/metrics/statistics/mersenne-twister.ts';

export const protocol = { window: 512, stride: 512, textDigest: '0'.repeat(64) };

/** Spread evenly over −1…1, the same for the same seed. */
export function noise(count: number, seed: number): number[] {
  const random = new MersenneTwister(seed);
  return Array.from({ length: count }, () => random.nextUint32() / 2 ** 31 - 1);
}

/** Summaries with the given ROUGE-1 in percent; all four metrics alike. */
export function summaryOf(scores: readonly number[], facts: Partial<SummaryScores> = {}): VariantScores {
  return {
    summary: {
      dialect: 'trtllm-summarize',
      tokenizer: 'ascii-words',
      samples: scores.map((score, i) => ({
        id: `s${i}`,
        prediction: `prediction ${i}`,
        reference: `reference ${i}`,
        outputTokens: 50,
        rouge1: score,
        rouge2: score,
        rougeL: score,
        rougeLsum: score,
      })),
      ...facts,
    },
  };
}

export function perplexityOf(nlls: readonly number[]): VariantScores {
  return { perplexity: { protocol, windows: nlls.map((nll) => ({ tokens: 100, nll })) } };
}

export function divergenceOf(klds: readonly number[], top1Matches = 95): VariantScores {
  const windows = klds.map((kld) => ({ tokens: 100, kldSum: 100 * kld, top1Matches }));
  return { divergence: { protocol, support: 'full', windows } };
}

export function trialOf(texts: readonly string[]): VariantScores {
  return { trial: { texts: texts.map((text, i) => ({ id: `p${i}`, prompt: 'Go on:', text })) } };
}
