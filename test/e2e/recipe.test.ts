import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { faultsOfStore } from './harness/check-store.ts';
import { jsonOf, runCli, startCli, type CliOptions } from './harness/cli.ts';
import type { Place } from './harness/place.ts';
import { smallRecipe, writeRecipe } from './harness/recipe.ts';
import {
  enginesOf,
  runIdOf,
  runRecipe,
  stepsWith,
  type FinishedRun,
  type PlanDocument,
  type ShownRun,
} from './harness/runs.ts';
import { useStack } from './harness/use-stack.ts';

let place: Place;
let options: CliOptions;

useStack((scene) => ({ place, options } = scene));

/** Promotion changes the world; whether it has to is seen when it is its turn. */
const cachedSteps = (names: readonly string[]): string[] => names.filter((name) => name !== 'promote');

/** Plans, runs, and holds the plan to its word. */
async function runAsPlanned(recipe: string): Promise<FinishedRun> {
  const { steps } = await jsonOf<PlanDocument>(['plan', recipe], options);
  const finished = await runRecipe(recipe, options);
  const shown = finished.shown.steps;
  const unsure = stepsWith('if needed', steps);
  // A conversion brings its proof along.
  if (unsure.includes('convert-weights')) unsure.push('compare-weights');
  const certain = (names: string[]): string[] => names.filter((name) => !unsure.includes(name));
  expect(certain(cachedSteps(stepsWith('done', shown)))).toEqual(certain(stepsWith('will run', steps)));
  expect(certain(cachedSteps(stepsWith('cached', shown)))).toEqual(certain(stepsWith('cached', steps)));
  return finished;
}

describe('a recipe', () => {
  let recipe: string;
  let first: FinishedRun;

  beforeAll(async () => {
    recipe = await writeRecipe(place.recipes, 'small', smallRecipe);
    first = await runAsPlanned(recipe);
  });

  it('ends with a verdict, a table, a report and a promoted alias', async () => {
    const { end, document, shown } = first;

    expect(end.exitCode).toBe(0);
    expect(document.verdict).toBe('pass');
    expect(document.variants.map(({ name, verdict }) => [name, verdict])).toEqual([
      ['f16', 'pass'],
      ['int8', 'pass'],
      ['int8-bits-4', 'pass'],
    ]);
    expect(new Set(Object.values(enginesOf(document))).size).toBe(3);
    expect(document.promotion).toEqual({ alias: 'candidate', state: 'promoted', sequence: 1 });
    expect(await readdir(document.reportFolder)).toEqual(
      expect.arrayContaining(['report.json', 'report.html', 'report.md', 'junit.xml']),
    );
    expect(shown.status).toBe('completed');
    expect(stepsWith('done', shown.steps)).toEqual(
      expect.arrayContaining(['convert-weights', 'compare-weights', 'promote']),
    );
    expect(await faultsOfStore(place.home)).toEqual([]);
  });

  it('tells its progress on stderr, a line when a step begins and one when it ends', () => {
    const { stdout, stderr } = first.end;

    expect(() => JSON.parse(stdout) as unknown).not.toThrow();
    expect(stderr).toMatch(/▸ build-engine +int8 /);
    expect(stderr).toMatch(/✔ build-engine +int8 .* s$/m);
  });

  it('runs nothing a second time, and prints a table, a verdict and where the report lies', async () => {
    const { steps: planned } = await jsonOf<PlanDocument>(['plan', recipe], options);
    const following = startCli(['run', recipe], options);
    const run = await runIdOf(following);
    const { exitCode, stdout } = await following.ended;
    const { steps } = await jsonOf<ShownRun>(['show', run], options);

    expect(exitCode).toBe(0);
    expect(cachedSteps(stepsWith('will run', planned))).toEqual([]);
    expect(cachedSteps(stepsWith('done', steps))).toEqual([]);
    expect(cachedSteps(stepsWith('cached', steps))).toEqual(stepsWith('cached', planned));
    expect(steps.find(({ step }) => step === 'judge')?.artifact?.digest).toBe(digestOfReport(first));
    expect(stdout).toMatch(/^Variant +Size +ROUGE-1/m);
    expect(stdout).toMatch(/^verdict +pass$/m);
    expect(stdout).toMatch(/^candidate points at release \w+ already/m);
    const report = /^report +(\S+)$/m.exec(stdout)?.[1] ?? '';
    expect(await readFile(join(place.folder, report), 'utf8')).toContain('<html');
  });

  it('scores and judges again, and does nothing else, when only its evaluation changes', async () => {
    const summarize = { ...smallRecipe.evaluation.summarize, samples: 3 };
    const evaluation = { ...smallRecipe.evaluation, summarize };
    const changed = await runAsPlanned(
      await writeRecipe(place.recipes, 'fewer', { ...smallRecipe, evaluation }),
    );

    const variants = ['f16', 'int8', 'int8-bits-4'];
    expect(stepsWith('done', changed.shown.steps)).toEqual(
      [...variants.map((name) => `${name}/score-engine`), 'judge', 'promote', 'publish'].toSorted(),
    );
    expect(enginesOf(changed.document)).toEqual(enginesOf(first.document));
  });

  it('judges again, and does nothing else, when only a gate changes', async () => {
    const gates = [{ metric: 'divergence.kld.mean', max: 0 }];
    const strict = await runAsPlanned(await writeRecipe(place.recipes, 'strict', { ...smallRecipe, gates }));

    expect(stepsWith('done', strict.shown.steps)).toEqual(['judge']);
    expect(strict.end.exitCode).toBe(1);
    expect(strict.document.verdict).toBe('fail');
    expect(strict.document.promotion.state).toBe('not-passed');
  });

  it('keeps an adapter for run time when asked, and scores as if it were merged', async () => {
    const adapters = smallRecipe.adapters.map((adapter, index) => ({ ...adapter, merge: index === 0 }));
    const apart = await runAsPlanned(await writeRecipe(place.recipes, 'apart', { ...smallRecipe, adapters }));

    expect(apart.document.verdict).toBe('pass');
    expect(stepsWith('done', apart.shown.steps)).toContain('convert-adapter');
    expect(apart.document.variants[0]?.engine).not.toBe(first.document.variants[0]?.engine);
    const perplexity = ({ document }: FinishedRun): number =>
      document.report.variants[0]?.metrics.find(({ metric }) => metric === 'perplexity')?.value ?? Number.NaN;
    expect(Math.abs(perplexity(apart) / perplexity(first) - 1)).toBeLessThan(0.02);
  });

  it('makes everything that depends on the model again when one byte of a weight file changes', async () => {
    const file = join(place.hub, 'sample-llama', 'model-00001-of-00002.safetensors');
    const original = await readFile(file);
    await writeFile(file, withOneWeightNegated(original));
    try {
      const other = await runAsPlanned(recipe);

      const names = ['build-engine', 'try-engine', 'score-engine', 'score-engine', 'score-engine'];
      const made = ['f16', 'int8', 'int8-bits-4'].flatMap((variant) =>
        names.map((name) => `${variant}/${name}`),
      );
      // A baseline does not diverge from itself.
      made.splice(made.indexOf('f16/score-engine'), 1);
      const shared = [
        'resolve-source',
        'fetch-model',
        'merge-adapters',
        'prove-merge',
        'convert-checkpoint',
        'judge',
        'publish',
        'promote',
      ];
      expect(stepsWith('done', other.shown.steps)).toEqual([...made, ...shared].toSorted());
      const before = Object.values(enginesOf(first.document));
      expect(Object.values(enginesOf(other.document)).filter((engine) => before.includes(engine))).toEqual(
        [],
      );
      expect(other.document.promotion).toMatchObject({ state: 'promoted' });
    } finally {
      await writeFile(file, original);
    }
  });

  it('answers with the promoted engine under its alias', async () => {
    const prompt = 'The sqlite_finalize routine also returns';
    const texts = await jsonOf<{ prompt: string; text: string }[]>(
      ['generate', 'candidate', '--prompt', prompt, '--max-new-tokens', '8'],
      options,
    );

    expect(texts).toHaveLength(1);
    expect(texts[0]?.prompt).toBe(prompt);
    expect(texts[0]?.text.trim()).not.toBe('');
  });

  it('is listed by runs and shown step by step', async () => {
    const runs = await jsonOf<{ run: string; recipe: string; status: string; verdict: string }[]>(
      ['runs', '--recipe', 'small'],
      options,
    );
    const { stdout } = await runCli(['show', first.document.run], options);

    expect(runs.find(({ run }) => run === first.document.run)).toMatchObject({
      recipe: 'small',
      status: 'completed',
      verdict: 'pass',
    });
    expect(stdout).toContain(`${first.document.run}  completed`);
    expect(stdout).toMatch(/✔ build-engine +int8 /);
  });

  it('leaves every change of its alias in the history', async () => {
    const entries = await jsonOf<
      { alias: string; sequence: number; by: string; release: string; run: string }[]
    >(['history', 'candidate'], options);

    expect(entries.map(({ sequence }) => sequence)).toEqual(entries.map((_, index) => index + 1));
    expect(entries[0]).toMatchObject({ by: 'gates', release: first.document.release?.digest });
    expect(entries[0]?.run).toContain(first.document.run);
  });

  it('measures throughput when a benchmark is asked for, and does not measure again', async () => {
    const variants = { f16: smallRecipe.variants.f16 };
    const benchmark = { inputTokens: 8, outputTokens: 4, concurrency: [1], repeats: 2 };
    const { sweep: _, ...rest } = smallRecipe;
    const file = await writeRecipe(place.recipes, 'measured', {
      ...rest,
      variants,
      benchmark,
      gates: [],
      publish: { alias: 'measured' },
    });

    const measured = await runAsPlanned(file);
    const again = await runAsPlanned(file);

    expect(stepsWith('done', measured.shown.steps)).toContain('f16/measure-engine');
    expect(cachedSteps(stepsWith('done', again.shown.steps))).toEqual([]);
    expect(again.document.report).toEqual(measured.document.report);
  });
});

function digestOfReport({ shown }: FinishedRun): string | undefined {
  return shown.steps.find(({ step }) => step === 'judge')?.artifact?.digest;
}

/** Flips the sign of one clearly nonzero float16 in the middle of the tensor data. */
function withOneWeightNegated(file: Buffer): Buffer {
  const changed = Buffer.from(file);
  // safetensors: 8 bytes of header length, the header, then little-endian values; the sign is in the odd byte.
  const begin = 8 + Number(file.readBigUInt64LE(0));
  let at = begin + 2 * Math.floor((file.length - begin) / 4) + 1;
  while (((file[at] ?? 0) & 0x7f) < 0x2c) at += 2;
  changed[at] = (file[at] ?? 0) ^ 0x80;
  return changed;
}
