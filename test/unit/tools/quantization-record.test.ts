import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { preparePlan } from '../../../cli/run/prepare-plan.ts';
import type { Plan } from '../../../core/domain/plan.ts';
import { packageRoot } from '../../../system/package-root.ts';
import { renderPage } from '../../../tools/bench/quantizations/quantization-page.ts';
import { QuantizationRecord } from '../../../tools/bench/quantizations/quantization-record.ts';

// Recorded by `npm run bench:quantizations`; here it is held to the recipe, the page to it, and the words to the figures.

const root = packageRoot();
const results = join(root, 'docs', 'results');
const recordFile = join(results, 'quantizations.json');

const records = existsSync(recordFile)
  ? [QuantizationRecord.parse(JSON.parse(readFileSync(recordFile, 'utf8')))]
  : [];

it.skipIf(records.length === 0)(
  'the comparison is recorded (if not: `npm run bench:quantizations` has yet to write docs/results/quantizations.json)',
  () => {
    expect(records[0]?.command).toBe('npm run bench:quantizations');
  },
);

/** What examples/sample/quantizations.yaml asks for: all texts of valid.jsonl, and of eval.jsonl what calibration leaves. */
const windowsAsked = 200;
const summariesAsked = 200;

it('no passage of what the recipe evaluates is in the texts that calibration looks at', async () => {
  const recipe = await readFile(join(root, 'examples', 'sample', 'quantizations.yaml'), 'utf8');
  const windows = await readLines('valid.jsonl');
  const summaries = (await readLines('eval.jsonl')).slice(0, summariesAsked);
  const scored = [...windows, ...summaries].flatMap(({ text, document, reference }) => [
    text,
    document,
    reference,
  ]);

  const looked = new Set(
    (await readLines('calibration-apart.jsonl')).flatMap(({ text = '' }) => passagesOf(text)),
  );

  expect(recipe).toContain('dataset: file:data/calibration-apart.jsonl');
  expect(recipe).toContain(`samples: ${summariesAsked}\n`);
  expect(recipe).toContain(`windows: ${windowsAsked} `);
  expect(windows).toHaveLength(windowsAsked);
  expect(looked.size).toBeGreaterThan(10_000);
  expect(scored.flatMap((text = '') => passagesOf(text)).filter((passage) => looked.has(passage))).toEqual(
    [],
  );
});

describe.each(records)('the record of $date', (record) => {
  const page = readFileSync(join(results, 'quantizations.md'), 'utf8');
  const { variants, pairs, baseline } = record;
  const others = variants.filter(({ name }) => name !== baseline);

  let home = '';
  let plan: Plan;
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'enginewright-record-'));
    const file = join(root, 'examples', 'sample', 'quantizations.yaml');
    ({ plan } = await preparePlan({ file, home, endpoint: null }));
  });
  afterAll(() => rm(home, { recursive: true, force: true }));

  it('the page is what the record makes of it', () => {
    expect(page).toBe(renderPage(record));
  });

  it('the recorded run is that of the recipe: its variants, gates and texts', () => {
    const summarize = plan.evaluations.find(({ kind }) => kind === 'summarize');

    expect(variants.map(({ name, label }) => [name, label])).toEqual(
      plan.variants.map(({ name, label }) => [name, label]),
    );
    expect(record.gates).toEqual(plan.gates);
    expect(record.calibration?.windows).toBe(plan.calibration?.windows);
    expect(summarize).toMatchObject(record.summaries);
  });

  it('the windows that were asked for were scored, and so were the summaries', () => {
    expect(record.windows).toMatchObject({ asked: windowsAsked, scored: windowsAsked });
    expect(record.summaries.samples).toBe(summariesAsked);
  });

  describe.each(others.map((variant) => [variant.name, variant] as const))('%s', (name, variant) => {
    const { figures, changes, certainty, digests, bytes } = variant;

    it('has its row in every table', () => {
      const rows = page.match(new RegExp(String.raw`^\| ${name} \|.*$`, 'gm')) ?? [];

      expect(rows).toHaveLength(4);
      expect(rows.join('\n')).not.toContain('NaN');
    });

    it('has every figure, with an interval that holds it', () => {
      const intervals = [...Object.values(figures), ...Object.values(changes)];

      expect(Object.keys(figures)).toEqual(['rouge1', 'rouge2', 'rougeL', 'logLikelihood', 'kl', 'top1']);
      expect(Object.keys(changes)).toEqual(['rouge1', 'rouge2', 'rougeL', 'logLikelihood']);
      expect(certainty.temperedChange).not.toBeNull();
      expect(
        intervals.filter(
          ({ value, low, high }) => !((low ?? Infinity) <= value && value <= (high ?? -Infinity)),
        ),
      ).toEqual([]);
      expect(bytes).toBeLessThan(variants[0]?.bytes ?? 0);
    });

    it('has the digests of what was made', () => {
      expect(new Set(digests.map(({ role }) => role))).toEqual(
        new Set(['quantized', 'engine', 'trial', 'scores']),
      );
      expect(digests.filter(({ digest }) => !/^[0-9a-f]{64}$/.test(digest))).toEqual([]);
    });
  });

  it('the baseline is the first of nine variants or more', () => {
    expect(variants[0]?.name).toBe(baseline);
    expect(variants.length).toBeGreaterThanOrEqual(9);
  });

  describe('the pairs at equal bits', () => {
    it('are every calibrated variant beside the rounded one of the same bits and groups', () => {
      const calibrated = plan.variants.filter(({ quantize }) => quantize?.calibrated === true);
      const gridOf = (wanted: string) => {
        const { bits, group } = variants.find(({ name }) => name === wanted) ?? {};
        return [bits, group];
      };

      expect(pairs.map(({ candidate }) => candidate)).toEqual(calibrated.map(({ name }) => name));
      for (const { candidate, reference } of pairs) {
        expect(gridOf(candidate)).toEqual(gridOf(reference));
        expect(plan.variants.find(({ name }) => name === reference)?.quantization['method']).toBe('rtn');
      }
    });

    it('are found better or worse only where the interval does not hold 0', () => {
      for (const { candidate, differences } of pairs) {
        expect(Object.keys(differences)).toHaveLength(6);
        for (const [figure, { low, high, finding }] of Object.entries(differences)) {
          const rises = (low ?? 0) > 0;
          const falls = (high ?? 0) < 0;
          const isBetter = figure === 'kl' ? falls : rises;
          const told = isBetter ? 'better' : 'worse';
          expect([candidate, figure, finding]).toEqual([
            candidate,
            figure,
            rises || falls ? told : 'not told apart',
          ]);
        }
      }
    });
  });

  describe('what the page says of the disagreement', () => {
    const certain = variants[0]?.certainty;
    const furthest = others.toSorted((a, b) => (b.figures.kl?.value ?? 0) - (a.figures.kl?.value ?? 0))[0];

    it('is seen in the record: the baseline is surer than right, and expects less loss than it has', () => {
      expect(certain?.firstChoice).toBeGreaterThan(1.5 * (certain?.right ?? 1));
      expect(certain?.entropy).toBeLessThan(0.75 * (certain?.loss ?? 0));
      expect(certain?.temperedLoss).toBeLessThan(certain?.loss ?? 0);
      expect(record.temperature).toBeGreaterThan(1);
    });

    it('is seen in the record: the variant furthest by KL is blurred, and four bits gain nothing once all are', () => {
      const coarse = others.filter(({ bits }) => bits === 4);

      expect(furthest?.certainty.entropy).toBeGreaterThan(certain?.entropy ?? 0);
      expect(coarse.length).toBeGreaterThanOrEqual(6);
      expect(coarse.filter(({ certainty }) => certainty.temperedChange?.finding === 'better')).toEqual([]);
    });

    it('is seen in the record: what a variant wins or loses depends on the source of the text', () => {
      const findings = record.sources.map(({ changes }) => changes[furthest?.name ?? '']?.finding);

      expect(findings).toContain('better');
      expect(findings).toContain('worse');
      expect(record.sources.reduce((total, { windows }) => total + windows, 0)).toBe(record.windows.scored);
      for (const { changes } of record.sources)
        expect(Object.keys(changes)).toEqual(others.map(({ name }) => name));
    });

    it('rests on losses that are those of the perplexities', () => {
      for (const { name, certainty, perplexity, figures } of variants) {
        expect([name, Math.log(perplexity)]).toEqual([name, expect.closeTo(certainty.loss, 5)]);
        expect([name, figures.logLikelihood?.value]).toEqual([name, expect.closeTo(-certainty.loss, 5)]);
      }
    });
  });
});

async function readLines(name: string): Promise<Record<string, string>[]> {
  const lines = await readFile(join(root, 'examples', 'sample', 'data', name), 'utf8');
  return lines
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, string>);
}

/** Every run of 60 characters: longer than what two texts of one subject share by chance. */
function passagesOf(text: string): string[] {
  return Array.from({ length: Math.max(1, text.length - 59) }, (_, start) => text.slice(start, start + 60));
}
