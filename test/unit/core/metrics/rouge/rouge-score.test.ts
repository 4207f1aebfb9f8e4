import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { rougeMetrics, type RougeMetric } from '../../../../../core/domain/measurement.ts';
import { bootstrapAggregate } from '../../../../../core/metrics/rouge/bootstrap-aggregate.ts';
import { stemWord } from '../../../../../core/metrics/rouge/porter-stemmer.ts';
import { rougeScore } from '../../../../../core/metrics/rouge/rouge-score.ts';
import { rougeTokenizers } from '../../../../../core/metrics/rouge/tokenizers.ts';

type Triple = [number, number, number];
type Vector = { id: string; prediction: string; reference: string; stem?: boolean; tokenizer?: string } & {
  [M in RougeMetric]?: Triple;
};
interface Vectors {
  vectors: Vector[];
  bootstrap: { seed: number; scores: Triple[]; low: Triple; mid: Triple; high: Triple };
}

const fixture = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../../../fixtures/${name}`, import.meta.url), 'utf8'));
const vectors: Vectors = fixture('rouge/vectors.json');
const python = fixture('rouge/reference-run.json');
const oracle = fixture('oracles/rouge.json');

const scoreOf = ([precision, recall, f]: Triple) => ({ precision, recall, f });

describe('rougeScore', () => {
  it.each(vectors.vectors)('gives the published figures of vector $id', (vector) => {
    const tokenizer = rougeTokenizers.find(({ id }) => id === (vector.tokenizer ?? 'ascii-words'));

    const scores = rougeScore(vector.prediction, vector.reference, {
      stemmer: vector.stem ?? false,
      ...(tokenizer && { tokenizer }),
    });

    const listed = rougeMetrics.flatMap((metric) => {
      const triple = vector[metric];
      return triple === undefined ? [] : [{ expected: scoreOf(triple), found: scores[metric] }];
    });
    expect(listed.length).toBeGreaterThan(0);
    for (const { expected, found } of listed) {
      expect(found?.precision).toBeCloseTo(expected.precision, 5);
      expect(found?.recall).toBeCloseTo(expected.recall, 5);
      expect(found?.f).toBeCloseTo(expected.f, 5);
    }
  });

  it('equals rouge_score to the last bit on texts with punctuation, line ends and other scripts', () => {
    expect(python.pairs).toHaveLength(240);
    for (const { prediction, reference, stem, scores } of python.pairs) {
      const ours = rougeScore(prediction, reference, { stemmer: stem });

      for (const metric of rougeMetrics) expect(ours[metric]).toEqual(scoreOf(scores[metric]));
    }
  });

  it.each(['base', 'A', 'C'])('agrees with rouge_score on all 300 real predictions of model %s', (model) => {
    const { samples } = oracle.models[model];
    expect(samples).toHaveLength(300);
    for (const sample of samples) {
      const plain = rougeScore(sample.prediction, sample.reference);
      const stemmed = rougeScore(sample.prediction, sample.reference, { stemmer: true });

      for (const metric of rougeMetrics) {
        expect(Math.abs((plain[metric]?.f ?? -1) - sample[metric])).toBeLessThan(1e-9);
        expect(Math.abs((stemmed[metric]?.f ?? -1) - sample.stemmed[metric])).toBeLessThan(1e-9);
      }
    }
  });

  it('computes only the metrics asked for', () => {
    expect(Object.keys(rougeScore('a b', 'a c', { metrics: ['rougeL'] }))).toEqual(['rougeL']);
  });

  it('matches sentences instead of lines when asked to split summaries', () => {
    const prediction = 'Nobody was hurt. Police killed the man.';
    const reference = 'Police killed the man. Nobody was hurt.';

    const byLine = rougeScore(prediction, reference, { metrics: ['rougeLsum'] });
    const bySentence = rougeScore(prediction, reference, { metrics: ['rougeLsum'], splitSummaries: true });

    expect(byLine.rougeLsum?.f).toBeLessThan(1);
    expect(bySentence.rougeLsum?.f).toBe(1);
  });
});

describe('stemWord', () => {
  it('stems 2,500 words as NLTK does', () => {
    const words = Object.entries<string>(python.stems);
    expect(words.length).toBeGreaterThan(2500);

    const wrong = words.filter(([word, stem]) => stemWord(word) !== stem);

    expect(wrong).toEqual([]);
  });
});

describe('bootstrapAggregate', () => {
  it('equals the published vector to the last bit', () => {
    const { scores, low, mid, high, seed } = vectors.bootstrap;

    const figures = bootstrapAggregate(new Map([['rouge1', scores.map(scoreOf)]]), seed).get('rouge1');

    expect(figures).toEqual({ low: scoreOf(low), mid: scoreOf(mid), high: scoreOf(high) });
  });

  it.each([0, 1, 2, 3])('equals NumPy over several metrics that share one stream (case %i)', (index) => {
    const { scores, figures } = python.aggregates[index];
    const columns = new Map(
      rougeMetrics.map((metric) => [
        metric,
        scores.map((sample: Record<string, Triple>) => scoreOf(sample[metric] ?? [0, 0, 0])),
      ]),
    );

    for (const [metric, { low, mid, high }] of bootstrapAggregate(columns, 0)) {
      expect([low, mid, high]).toEqual(figures[metric].map(scoreOf));
    }
  });
});
