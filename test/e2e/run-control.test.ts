import { describe, expect, it } from 'vitest';
import { faultsOfStore } from './harness/check-store.ts';
import { jsonOf, runCli, startCli, type CliOptions } from './harness/cli.ts';
import { makePlace, type Place } from './harness/place.ts';
import { descendantsOf, isRunning, llamaChildrenOf } from './harness/processes.ts';
import { smallRecipe, writeRecipe } from './harness/recipe.ts';
import { runIdOf, type ShownRun } from './harness/runs.ts';
import type { RunningStack } from './harness/stack.ts';
import { useStack } from './harness/use-stack.ts';
import { waitUntil } from './harness/wait-until.ts';

// Two variants and no sweep: what is decided here does not depend on how many there are.
const { sweep: _, ...brief } = smallRecipe;
/** The first run makes everything; on a loaded machine that takes its time. */
const patience = { withinMs: 240_000 };

let place: Place;
let stack: RunningStack;
let options: CliOptions;

useStack((scene) => ({ place, stack, options } = scene));

describe('a release that needs approval', () => {
  const awaiting = async (alias: string) => {
    const publish = { ...brief.publish, alias, promote: 'on-approval' as const };
    const following = startCli(
      ['run', await writeRecipe(place.recipes, alias, { ...brief, publish }), '--json'],
      options,
    );
    const run = await runIdOf(following);
    const isWaiting = async (): Promise<boolean> =>
      (await jsonOf<ShownRun>(['show', run], options)).awaiting === 'approval';
    await waitUntil('the wait for approval', isWaiting, patience);
    return { run, following };
  };

  it('is promoted in the name of who approved it', async () => {
    const { run, following } = await awaiting('approved');
    const nobody = await runCli(['approve', run, '--by', ' '], options);
    expect(await jsonOf<unknown[]>(['history', 'approved'], options)).toEqual([]);

    const approval = await runCli(['approve', run, '--by', 'Ada', '--reason', 'looks right'], options);
    const { stdout, exitCode } = await following.ended;
    const late = await runCli(['approve', run, '--by', 'Ada'], options);

    expect(nobody.exitCode).toBe(64);
    expect(nobody.stderr).toMatch(/^UsageInvalid: approve needs --by/);
    expect(approval.exitCode).toBe(0);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ promotion: { state: 'promoted', sequence: 1 } });
    expect(await jsonOf(['history', 'approved'], options)).toMatchObject([
      { by: 'Ada', reason: 'looks right' },
    ]);
    expect(late.exitCode).toBe(64);
    expect(late.stderr).toMatch(/^UsageInvalid: small-\S+ has ended: it waits for no decision/);
  });

  it('leaves the alias alone when it is rejected', async () => {
    const { run, following } = await awaiting('refused');

    const rejection = await runCli(['reject', run, '--by', 'Ada', '--reason', 'too terse'], options);
    const { stdout } = await following.ended;

    expect(rejection.exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ verdict: 'pass', promotion: { state: 'rejected' } });
    expect(await jsonOf(['history', 'refused'], options)).toEqual([]);
  });
});

describe('a run under way', () => {
  /** Long enough to be caught: many samples with many tokens each. */
  const startSlow = async (name: string) => {
    const summarize = { ...smallRecipe.evaluation.summarize, samples: 64, maxNewTokens: 256 };
    const recipe = { ...brief, name, evaluation: { ...smallRecipe.evaluation, summarize } };
    const following = startCli(['run', await writeRecipe(place.recipes, name, recipe), '--json'], options);
    const run = await runIdOf(following);
    const { workers } = await stack.record();
    const child = await waitUntil(
      'the scoring',
      () => /▸ score-engine/.test(following.stderr()) && llamaChildrenOf(workers.engine)[0],
      patience,
    );
    return { run, following, child };
  };

  it('ends with its processes when it is cancelled by name', async () => {
    const { run, following, child } = await startSlow('cancelled-by-name');

    const cancel = await runCli(['cancel', run], options);

    expect(cancel.exitCode).toBe(0);
    expect(isRunning(child)).toBe(false);
    const end = await following.ended;
    expect(end.exitCode).toBe(130);
    expect(end.stderr).toMatch(/^Cancelled: /m);
    expect((await jsonOf<ShownRun>(['show', run], options)).status).toBe('cancelled');
    expect(await faultsOfStore(place.home)).toEqual([]);
  });

  it('ends with its processes when the terminal sends Ctrl-C', async () => {
    const { run, following, child } = await startSlow('interrupted');

    following.kill('SIGINT');
    const { exitCode, stderr } = await following.ended;

    expect({ exitCode, stderr, living: isRunning(child) }).toMatchObject({ exitCode: 130, living: false });
    expect((await jsonOf<ShownRun>(['show', run], options)).status).toBe('cancelled');
  });
});

it('brings its own server, hub and workers when none runs, whatever hub the shell is set to, and ends them', async () => {
  await using own = await makePlace();
  const { evaluation: __, gates: ___, ...rest } = brief;
  const recipe = await writeRecipe(own.recipes, 'alone', { ...rest, name: 'alone' });
  const env = { HF_ENDPOINT: 'http://127.0.0.1:1', HF_TOKEN: 'hf_of_another_hub' };

  const following = startCli(['run', recipe, '--hub', own.hub, '--json'], { home: own.home, env });
  await runIdOf(following);
  const family = descendantsOf(following.pid);
  const { exitCode, stdout, stderr } = await following.ended;

  expect(stderr).not.toContain('hf_of_another_hub');
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
  expect(JSON.parse(stdout)).toMatchObject({ verdict: 'pass' });
  expect(family.length).toBeGreaterThan(3);
  expect(family.filter((pid) => isRunning(pid))).toEqual([]);
  expect(await faultsOfStore(own.home)).toEqual([]);
});
