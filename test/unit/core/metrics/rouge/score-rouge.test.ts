import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { rougeMetrics } from '../../../../../core/domain/measurement.ts';
import { rougeDialects } from '../../../../../core/metrics/rouge/dialects/registry.ts';
import { reportedFigures } from '../../../../../core/metrics/rouge/reported-figure.ts';
import { scoreRouge } from '../../../../../core/metrics/rouge/score-rouge.ts';
import { splitSentences } from '../../../../../core/metrics/rouge/split-sentences.ts';

const fixture = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../../../fixtures/${name}`, import.meta.url), 'utf8'));
const oracle = fixture('oracles/rouge.json');
const python = fixture('rouge/reference-run.json');
const chinese = {
  id: 'zh',
  prediction: '模型量化后精度只下降百分之二',
  reference: '量化后的模型精度下降了百分之二。',
};

describe('scoreRouge', () => {
  it.each(['base', 'A', 'C'])('reports what summarize.py and evaluate print for model %s', (model) => {
    const result = scoreRouge(oracle.models[model].samples, { dialect: 'trtllm-summarize' });

    for (const metric of rougeMetrics) {
      const [low, mid, high] = python.oracle[model][metric].map((triple: number[]) => 100 * (triple[2] ?? 0));
      expect(result.metrics[metric]).toMatchObject({ low, reported: mid, high });
      expect(result.metrics[metric].mean).toBeCloseTo(100 * oracle.models[model].mean[metric], 9);
    }
  });

  it('keeps the order of the samples and gives percent', () => {
    const { samples } = scoreRouge([
      { id: 'b', prediction: 'testing', reference: 'testing one two' },
      { id: 'a', prediction: 'x', reference: 'x' },
    ]);

    expect(samples.map(({ id, rouge1 }) => [id, rouge1])).toEqual([
      ['b', 50],
      ['a', 100],
    ]);
  });

  it('stems, splits sentences and rounds in the mlperf dialect', () => {
    const samples = [
      { id: '1', prediction: 'The skies cleared. Dogs ran.', reference: 'Dogs run. The sky cleared.' },
      { id: '2', prediction: 'cities', reference: 'city limits here' },
    ];

    const mlperf = scoreRouge(samples, { dialect: 'mlperf' });
    const plain = scoreRouge(samples, { dialect: 'hf-evaluate' });

    expect(mlperf.metrics.rouge1.mean).toBeGreaterThan(plain.metrics.rouge1.mean);
    expect(mlperf.samples[0]?.rougeLsum).toBeGreaterThan(mlperf.samples[0]?.rougeL ?? 100);
    expect(mlperf.metrics.rouge1.reported).toBe(Number(mlperf.metrics.rouge1.mean.toFixed(4)));
    expect(mlperf.metrics.rouge1.low).toBeNull();
    expect(mlperf.caveat).toMatch(/Punkt/);
  });

  it.each(rougeDialects.map(({ id }) => id))(
    'recomputes the reported figure of %s from stored samples',
    (dialect) => {
      const { samples } = oracle.models.A;
      const result = scoreRouge(samples, { dialect });

      const again = reportedFigures(result.samples, dialect);

      for (const metric of rougeMetrics)
        expect(again?.[metric]).toBeCloseTo(result.metrics[metric].reported, 10);
    },
  );

  it.each([
    ['Chinese alone', [chinese]],
    [
      'Chinese with shared digits, which would score 100',
      [{ id: 'e', prediction: '在H100上FP8吞吐量提高1.5倍', reference: 'H100 上 FP8 吞吐提升 1.5 倍' }],
    ],
    [
      'one Chinese sample among many English',
      [
        chinese,
        ...Array.from({ length: 200 }, (_, i) => ({
          id: `${i}`,
          prediction: 'plain words here',
          reference: 'plain English words here',
        })),
      ],
    ],
  ])('refuses to score %s by ASCII words and names the tokenizer to use', (_, samples) => {
    expect(() => scoreRouge(samples)).toThrowError(
      expect.objectContaining({ name: 'RecipeImpossible', hint: expect.stringContaining('zh-char') }),
    );
  });

  it('scores Chinese by characters', () => {
    const result = scoreRouge([chinese], { tokenizer: 'zh-char' });

    expect(result.tokenizer).toBe('zh-char');
    expect(result.metrics.rouge1.mean).toBeCloseTo(89.6552, 3);
  });

  it('refuses a script that no tokenizer reads, and says so', () => {
    const greek = [{ id: 'el', prediction: 'καλημέρα κόσμε', reference: 'καλημέρα κόσμε' }];

    expect(() => scoreRouge(greek)).toThrowError(
      expect.objectContaining({
        name: 'RecipeImpossible',
        hint: expect.stringContaining('No ROUGE tokenizer'),
      }),
    );
  });

  it('reads accented Latin text', () => {
    expect(
      scoreRouge([{ id: 'fr', prediction: 'un été très chaud', reference: 'un été très froid' }]).metrics
        .rouge1.mean,
    ).toBeGreaterThan(0);
  });

  it('flags samples whose zero says nothing about words', () => {
    const { flagged } = scoreRouge([
      { id: 'fine', prediction: 'a', reference: 'a' },
      { id: 'silent', prediction: '', reference: 'a' },
      { id: 'no reference', prediction: 'a', reference: '…' },
      { id: 'nothing', prediction: '?', reference: '!' },
    ]);

    expect(flagged).toEqual([
      { id: 'silent', reason: 'empty-prediction' },
      { id: 'no reference', reason: 'empty-reference' },
      { id: 'nothing', reason: 'both-empty' },
    ]);
  });

  it.each([
    ['no samples', [], {}, 'DatasetEmpty'],
    ['nothing but empty texts', [{ id: '1', prediction: '', reference: '?' }], {}, 'DatasetInvalid'],
    ['an unknown dialect', [chinese], { dialect: 'rouge' }, 'UsageInvalid'],
    ['an unknown tokenizer', [chinese], { tokenizer: 'jieba' }, 'UsageInvalid'],
  ])('refuses %s', (_, samples, settings, name) => {
    expect(() => scoreRouge(samples, settings)).toThrowError(expect.objectContaining({ name }));
  });
});

describe('splitSentences', () => {
  it.each([
    ['One. Two! Three? Four', ['One.', 'Two!', 'Three?', 'Four']],
    ['Mr. Smith met Dr. Jones at 3 p.m. They left.', ['Mr. Smith met Dr. Jones at 3 p.m. They left.']],
    ['J. R. Smith said "Go." He went.', ['J. R. Smith said "Go."', 'He went.']],
    ['It grew 3.5 times. e.g. this way', ['It grew 3.5 times. e.g. this way']],
    ['', []],
  ])('cuts %j', (text, sentences) => {
    expect(splitSentences(text)).toEqual(sentences);
  });
});
