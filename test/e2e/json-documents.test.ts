import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { commands } from '../../cli/commands.ts';
import { packageRoot } from '../../system/package-root.ts';
import { writeNarrowModel } from '../fixtures/weights/narrow-model.ts';
import { jsonOf, runCli, startCli, type CliOptions } from './harness/cli.ts';
import type { Place } from './harness/place.ts';
import { writeRecipe, type RecipeText } from './harness/recipe.ts';
import { runRecipe, type FinishedRun, type ShownRun } from './harness/runs.ts';
import type { RunningStack } from './harness/stack.ts';
import { useStack } from './harness/use-stack.ts';
import { waitUntil } from './harness/wait-until.ts';

const recipeText = {
  name: 'narrow',
  model: { source: 'file:narrow' },
  baseline: 'f16',
  variants: { f16: { quantization: { method: 'none', dtype: 'float16' } } },
  trial: { prompts: ['The database'], maxNewTokens: 4 },
  publish: { alias: 'narrow' },
} satisfies RecipeText;

const torch = join(packageRoot(), 'test', 'fixtures', 'torch');
let place: Place;
let stack: RunningStack;
let options: CliOptions;
let recipe: string;
let finished: FinishedRun;
/** Verbs whose document was seen. */
const seen = new Set<string>();

useStack((scene) => ({ place, stack, options } = scene), { up: ['--json'] });

beforeAll(async () => {
  await writeNarrowModel(join(place.recipes, 'narrow'));
  recipe = await writeRecipe(place.recipes, 'narrow', recipeText);
  finished = await runRecipe(recipe, options);
});

/** The one document on stdout, which ends with one newline and with nothing behind it. */
function documentIn(verb: string, stdout: string): unknown {
  seen.add(verb);
  expect(stdout).toMatch(/^[{[][\s\S]*[}\]]\n$/);
  return JSON.parse(stdout) as unknown;
}

async function documentOf(...args: string[]): Promise<unknown> {
  const { exitCode, stdout, stderr } = await runCli([...args, '--json'], options);
  expect({ args, exitCode, stderr }).toMatchObject({ exitCode: 0 });
  return documentIn(args[0] ?? '', stdout);
}

/** A run that waits for approval. */
async function waiting(alias: string): Promise<string> {
  const publish = { alias, promote: 'on-approval' as const };
  const file = await writeRecipe(place.recipes, alias, { ...recipeText, publish });
  const { run } = (await documentOf('run', file, '--detach')) as { run: string };
  await waitUntil(
    'the wait for approval',
    async () => (await jsonOf<ShownRun>(['show', run], options)).awaiting === 'approval',
  );
  return run;
}

describe('with --json, stdout is exactly one document', () => {
  it('of a stack and of a worker, while they run', async () => {
    const record = await stack.record();
    const worker = startCli(['worker', '--role', 'cpu', '--address', record.address, '--json'], options);
    await waitUntil('the worker', () => worker.stdout().endsWith('}\n'));
    worker.kill('SIGTERM');
    const { exitCode, stdout } = await worker.ended;

    expect(documentIn('up', stack.stdout())).toMatchObject({
      pid: stack.pid,
      address: record.address,
      uiAddress: record.uiAddress,
    });
    expect(documentIn('worker', stdout)).toEqual({ ready: true, role: 'cpu', pid: worker.pid });
    expect(exitCode).toBe(0);
  });

  it('of a run, its plan and what is known of it', async () => {
    const { run } = finished.document;

    expect(documentIn('run', finished.end.stdout)).toMatchObject({ run, verdict: 'pass' });
    expect(await documentOf('plan', recipe)).toMatchObject({ steps: expect.any(Array) as unknown });
    expect(await documentOf('runs')).toMatchObject([{ run, status: 'completed' }]);
    expect(await documentOf('show', run)).toMatchObject({ run, status: 'completed', awaiting: null });
  });

  it('of decisions about a run', async () => {
    const [approved, rejected, cancelled] = [
      await waiting('one'),
      await waiting('two'),
      await waiting('three'),
    ];

    expect(await documentOf('approve', approved, '--by', 'Ada')).toEqual({
      run: approved,
      decision: 'approve',
      by: 'Ada',
    });
    expect(await documentOf('reject', rejected, '--by', 'Ada')).toEqual({
      run: rejected,
      decision: 'reject',
      by: 'Ada',
    });
    expect(await documentOf('cancel', cancelled)).toEqual({ run: cancelled, status: 'cancelled' });
  });

  it('of an alias that is pointed at a release by hand, the first time and the second', async () => {
    const release = finished.document.release?.digest ?? '';
    const by = ['--by', 'Ada', '--reason', 'looks right'];

    expect(await documentOf('promote', 'prod', release, ...by)).toMatchObject({
      changed: true,
      sequence: 1,
      release,
    });
    expect(await documentOf('promote', 'prod', release, ...by)).toMatchObject({
      changed: false,
      sequence: 1,
      release,
    });
    expect(await documentOf('history', 'prod')).toMatchObject([
      { alias: 'prod', sequence: 1, by: 'Ada', reason: 'looks right', run: 'by hand', release },
    ]);
    expect(await documentOf('generate', 'prod', '--prompt', 'The', '--max-new-tokens', '2')).toMatchObject([
      { prompt: 'The' },
    ]);
  });

  it('of everything that is done with weights', async () => {
    const at = (name: string): string => join(place.folder, name);
    const model = join(place.recipes, 'narrow');
    const adapter = join(place.hub, 'lora-summarise');
    const base = join(place.hub, 'sample-llama');

    expect(await documentOf('convert', model, at('bin'), '--to', 'bin')).toMatchObject({ format: 'bin' });
    expect(await documentOf('compare', model, at('bin'))).toMatchObject({ equal: true });
    expect(
      await documentOf('merge', '--base', base, '--adapter', adapter, '--out', at('merged')),
    ).toMatchObject({
      rounding: 'peft-default',
    });
    expect(await documentOf('quantize', model, at('int8'), '--scheme', 'int8')).toMatchObject({
      linears: 14,
    });
    for (const subject of [model, join(torch, 'legacy.bin'), finished.document.variants[0]?.engine ?? ''])
      expect(await documentOf('inspect', subject)).toBeTypeOf('object');
    expect(await documentOf('inspect', model, '--digests')).toMatchObject({ version: 1 });
  });

  it('of scores, of a look at the host, and of the help', async () => {
    const file = join(place.folder, 'lines.jsonl');
    await writeFile(file, '{"prediction": "a", "reference": "a"}\n');
    const doctor = await runCli(['doctor', '--json'], options);

    expect(await documentOf('score', '--predictions', file)).toMatchObject({ dialect: 'trtllm-summarize' });
    // What it finds depends on the host; 69 means that something is missing.
    expect([0, 69]).toContain(doctor.exitCode);
    expect(documentIn('doctor', doctor.stdout)).toBeTypeOf('object');
    expect(await documentOf('help')).toHaveLength(commands.length);
  });

  it('and no verb was left out', () => {
    // `demo` prints what `run` prints; the record of it in docs/results is made from that document.
    const all = commands.map(({ name }) => name).filter((name) => name !== 'demo');

    expect(seen).toEqual(new Set([...all, 'help']));
  });
});
