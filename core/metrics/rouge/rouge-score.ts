import { rougeMetrics, type RougeMetric } from '../../domain/measurement.ts';
import { countNgrams, countOverlap, scoreHits, type RougeScore } from './count-overlap.ts';
import { commonLength, commonPositions } from './longest-common-subsequence.ts';
import { splitSentences } from './split-sentences.ts';
import { rougeTokenizers, type RougeTokenizer } from './tokenizers.ts';

export interface RougeOptions {
  readonly metrics?: readonly RougeMetric[];
  readonly stemmer?: boolean;
  /** Cut the lines of both texts into sentences for rougeLsum. */
  readonly splitSummaries?: boolean;
  readonly tokenizer?: RougeTokenizer;
}

/**
 * ROUGE (Lin 2004) exactly as Python's rouge_score 0.1.2 computes it, to the last bit of the doubles (0…1). Mind
 * the order: rouge_score takes the reference first. Source of every rule: google-research/google-research, rouge/.
 */
export function rougeScore(
  prediction: string,
  reference: string,
  options: RougeOptions = {},
): { [M in RougeMetric]?: RougeScore } {
  const { metrics = rougeMetrics, tokenizer = rougeTokenizers[0], stemmer = false } = options;
  const tokenize = (text: string): string[] => tokenizer.tokenize(text, { stem: stemmer });
  const parts = options.splitSummaries === true ? splitSentences : (text: string) => [text];
  const lines = (text: string): string[][] =>
    parts(text)
      .flatMap(tokenizer.splitLines)
      .filter((line) => line !== '')
      .map(tokenize);
  const tokens = { prediction: tokenize(prediction), reference: tokenize(reference) };
  const score: Record<RougeMetric, () => RougeScore> = {
    rouge1: () => scoreNgrams(tokens, 1),
    rouge2: () => scoreNgrams(tokens, 2),
    rougeL: () => scoreSubsequence(tokens),
    rougeLsum: () => scoreUnion({ prediction: lines(prediction), reference: lines(reference) }),
  };
  return Object.fromEntries(metrics.map((metric) => [metric, score[metric]()]));
}

interface Pair<T> {
  readonly prediction: T;
  readonly reference: T;
}

function scoreNgrams({ prediction, reference }: Pair<string[]>, n: number): RougeScore {
  const hits = countOverlap(countNgrams(reference, n), countNgrams(prediction, n));
  const ngrams = (tokens: string[]): number => Math.max(tokens.length - n + 1, 0);
  return scoreHits(hits, { prediction: ngrams(prediction), reference: ngrams(reference) });
}

function scoreSubsequence({ prediction, reference }: Pair<string[]>): RougeScore {
  const hits = commonLength(reference, prediction);
  return scoreHits(hits, { prediction: prediction.length, reference: reference.length });
}

/**
 * Per reference line, the union of its common subsequences with every predicted line; a token of the union is a
 * hit as long as both texts still have an unused occurrence of it.
 */
function scoreUnion({ prediction, reference }: Pair<string[][]>): RougeScore {
  const unused = [countNgrams(prediction.flat(), 1), countNgrams(reference.flat(), 1)];
  let hits = 0;
  for (const line of reference) {
    const union = new Set(prediction.flatMap((predicted) => commonPositions(line, predicted)));
    for (const position of union) {
      const token = line[position] ?? '';
      if (!unused.every((counts) => (counts.get(token) ?? 0) > 0)) continue;
      for (const counts of unused) counts.set(token, (counts.get(token) ?? 0) - 1);
      hits++;
    }
  }
  return scoreHits(hits, { prediction: prediction.flat().length, reference: reference.flat().length });
}
