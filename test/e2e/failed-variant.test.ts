import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeNarrowModel } from '../fixtures/weights/narrow-model.ts';
import { faultsOfStore } from './harness/check-store.ts';
import { jsonOf, runCli, type CliOptions } from './harness/cli.ts';
import { descriptionOf } from './harness/describe-run.ts';
import type { Place } from './harness/place.ts';
import { writeRecipe, type RecipeText } from './harness/recipe.ts';
import { enginesOf, runRecipe, type FinishedRun } from './harness/runs.ts';
import type { RunningStack } from './harness/stack.ts';
import { useStack } from './harness/use-stack.ts';

/**
 * Rows of the model have 96 or 192 weights. Super-blocks of 256 do not fit them: llama.cpp builds another format, which
 * the verification of the engine finds. Groups of 64 do not divide 96: our own quantization refuses.
 */
const recipeText = {
  name: 'narrow',
  model: { source: 'file:narrow' },
  baseline: 'f16',
  variants: {
    f16: { quantization: { method: 'none', dtype: 'float16' } },
    'int4-group-256': { quantization: { method: 'weight-only', bits: 4, group: 256 } },
    'gptq4-group-64': { quantization: { method: 'gptq', bits: 4, group: 64 } },
    int8: { quantization: { method: 'weight-only', bits: 8 } },
    'gptq4-group-32': { quantization: { method: 'gptq', bits: 4, group: 32 } },
  },
  calibration: { dataset: 'file:data/valid.txt', samples: 4, window: 64 },
  trial: { prompts: ['The database'], maxNewTokens: 4 },
  evaluation: { perplexity: { text: 'file:data/valid.txt', window: 64, windows: 2 }, divergence: true },
  gates: [{ metric: 'divergence.kld.mean', max: 50 }],
  publish: { alias: 'narrow', choose: 'smallest' },
} satisfies RecipeText;

let place: Place;
let stack: RunningStack;
let options: CliOptions;
let recipe: string;
let finished: FinishedRun;

useStack((scene) => ({ place, stack, options } = scene), { up: [] });

beforeAll(async () => {
  await writeNarrowModel(join(place.recipes, 'narrow'));
  recipe = await writeRecipe(place.recipes, 'narrow', recipeText);
  finished = await runRecipe(recipe, options);
});

describe('a variant that cannot be built', () => {
  it('does not sink the others: they are judged, and one of them is released', () => {
    const { end, document } = finished;
    const engines = enginesOf(document);

    expect(end.exitCode).toBe(0);
    expect(document.verdict).toBe('pass');
    expect(document.variants.map(({ name, verdict }) => [name, verdict])).toEqual([
      ['f16', 'pass'],
      ['int4-group-256', 'error'],
      ['gptq4-group-64', 'error'],
      ['int8', 'pass'],
      ['gptq4-group-32', 'pass'],
    ]);
    expect(document.promotion).toMatchObject({ alias: 'narrow', state: 'promoted', sequence: 1 });
    expect(engines['int4-group-256']).toBeNull();
    expect(engines['gptq4-group-64']).toBeNull();
    expect(document.headline).toMatch(/int4-group-256/);
  });

  it('has the smallest engine that was built and passed in its release', async () => {
    const { document } = finished;
    const folder = join(place.home, 'store', 'objects', document.release?.digest ?? '');
    const released = await readFile(join(folder, 'release.json'), 'utf8');

    expect(released).toContain(enginesOf(document)['gptq4-group-32'] ?? 'no engine');
  });

  it('is a row of the report with the name and the words of its failure, and without figures', async () => {
    const { document } = finished;
    const rows = new Map(document.report.variants.map((variant) => [variant.name, variant]));

    expect(rows.get('int4-group-256')).toMatchObject({
      verdict: 'error',
      bytes: null,
      metrics: [],
      failure: {
        name: 'EngineInvalid',
        message: expect.stringMatching(/^Q4_K_M was asked for, but most matrices are /) as string,
      },
    });
    expect(rows.get('gptq4-group-64')).toMatchObject({
      verdict: 'error',
      bytes: null,
      failure: { name: 'QuantizationUnfit', message: expect.stringContaining('64') as string },
    });
    expect(rows.get('int8')).toMatchObject({ verdict: 'pass', failure: null });
    for (const file of ['report.html', 'report.md', 'junit.xml'])
      expect(await readFile(join(document.reportFolder, file), 'utf8')).toContain('EngineInvalid');
    expect(await readFile(join(document.reportFolder, 'junit.xml'), 'utf8')).toMatch(/<error[ >]/);
  });

  it('is told where people look: in the steps, on stderr and in Temporal', async () => {
    const { end, document, shown } = finished;
    const failed = shown.steps.filter(({ status }) => status === 'failed');
    const child = await descriptionOf(`${document.run}/int4-group-256`, await stack.record());

    expect(
      failed.map(({ variant, step, failure }) => `${variant} ${step} ${failure?.name}`).toSorted(),
    ).toEqual(['int4-group-256 build-engine EngineInvalid', 'null quantize QuantizationUnfit']);
    expect(document.steps.failed).toBe(2);
    expect(end.stderr).toMatch(/✘ build-engine +int4-group-256 .* EngineInvalid: Q4_K_M was asked for/);
    expect(child.currentDetails).toContain('→ **EngineInvalid**: Q4\\_K\\_M was asked for');
    expect(child.attributes).not.toHaveProperty('EwEngineBytes');
    expect(await faultsOfStore(place.home)).toEqual([]);
  });

  it('is tried again by the next run, which does nothing else and comes to the same report', async () => {
    const { end, document } = await runRecipe(recipe, options);

    expect({ exitCode: end.exitCode, steps: document.steps }).toEqual({
      exitCode: 0,
      steps: { ran: 0, cached: finished.document.steps.ran, failed: 2 },
    });
    expect(document.report).toEqual(finished.document.report);
    expect(document.promotion).toMatchObject({ state: 'unchanged', sequence: 1 });
  });

  it('ends a run of which nothing else is judged as an error, and leaves the alias alone', async () => {
    const { f16, 'int4-group-256': narrow } = recipeText.variants;
    const { calibration: _, ...rest } = recipeText;
    const only = {
      ...rest,
      name: 'only',
      variants: { f16, narrow },
      publish: { alias: 'only', choose: { variant: 'narrow' } },
    };
    const { end, document } = await runRecipe(await writeRecipe(place.recipes, 'only', only), options);

    expect(end.exitCode).toBe(1);
    expect(document).toMatchObject({ verdict: 'error', release: null, promotion: { state: 'not-passed' } });
    expect(await jsonOf(['history', 'only'], options)).toEqual([]);
    expect((await runCli(['generate', 'only', '--prompt', 'x'], options)).exitCode).toBe(66);
  });
});
