import { readdirSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { faultsOfStore } from './harness/check-store.ts';
import { jsonOf, startCli, type CliOptions, type CliProcess } from './harness/cli.ts';
import type { Place } from './harness/place.ts';
import { isRunning, llamaChildrenOf } from './harness/processes.ts';
import { smallRecipe, writeRecipe } from './harness/recipe.ts';
import {
  enginesOf,
  runIdOf,
  runRecipe,
  type FinishedRun,
  type RunDocument,
  type ShownRun,
} from './harness/runs.ts';
import type { RunningStack } from './harness/stack.ts';
import { useStack } from './harness/use-stack.ts';
import { waitUntil } from './harness/wait-until.ts';

let place: Place;
let stack: RunningStack;
let options: CliOptions;
let recipe: string;
let undisturbed: FinishedRun;

useStack((scene) => ({ place, stack, options } = scene));

beforeAll(async () => {
  const { sweep: _, ...withoutSweep } = smallRecipe;
  recipe = await writeRecipe(place.recipes, 'small', withoutSweep);
  undisturbed = await runRecipe(recipe, options);
});

/** Starts the recipe on an empty store and returns in the middle of a build: its engine file is being written. */
async function startUntilBuild(): Promise<CliProcess> {
  await rm(join(place.home, 'store'), { recursive: true, force: true });
  const following = startCli(['run', recipe, '--json'], options);
  await waitUntil('the first build', () => filesInScratch().includes('engine.gguf'), { everyMs: 2 });
  return following;
}

function filesInScratch(): string[] {
  const scratch = join(place.home, 'store', 'scratch');
  try {
    return readdirSync(scratch).flatMap((folder) => readdirSync(join(scratch, folder)));
  } catch {
    // Not there yet, or gone between the two calls.
    return [];
  }
}

/** The same bytes and the same verdicts as without the disturbance, and nothing damaged on the way. */
async function expectUndisturbedResult(following: CliProcess): Promise<void> {
  const run = await runIdOf(following);
  const { exitCode, stdout, stderr } = await following.ended;
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
  const document = JSON.parse(stdout) as RunDocument;
  expect(document.run).toBe(run);
  expect(enginesOf(document)).toEqual(enginesOf(undisturbed.document));
  expect(document.report).toEqual(undisturbed.document.report);
  expect(document.release).toEqual(undisturbed.document.release);
  expect((await jsonOf<ShownRun>(['show', run], options)).status).toBe('completed');
  expect(await faultsOfStore(place.home)).toEqual([]);
}

it('makes the same engines when the engine worker is killed in the middle of a build', async () => {
  const following = await startUntilBuild();
  const { engine } = (await stack.record()).workers;
  const children = llamaChildrenOf(engine);

  process.kill(-engine, 'SIGKILL');

  expect(children).not.toEqual([]);
  await waitUntil('the end of the orphaned tool', () => !children.some((pid) => isRunning(pid)), {
    withinMs: 5_000,
  });
  await expectUndisturbedResult(following);
  expect(following.stderr()).toMatch(/build-engine .*attempt 2/);
  expect((await stack.record()).workers.engine).not.toBe(engine);
});

it('makes the same engines when the Temporal server is killed in the middle of a build', async () => {
  const following = await startUntilBuild();
  const server = await serverPid();

  process.kill(server, 'SIGKILL');

  await expectUndisturbedResult(following);
  expect(await serverPid()).not.toBe(server);
  expect(isRunning(server)).toBe(false);
});

it('makes the same engines when every worker is killed at once', async () => {
  const following = await startUntilBuild();
  const { workers } = await stack.record();

  for (const pid of Object.values(workers)) process.kill(-pid, 'SIGKILL');

  await expectUndisturbedResult(following);
  const now = Object.values((await stack.record()).workers);
  expect(now.filter((pid) => Object.values(workers).includes(pid))).toEqual([]);
});

async function serverPid(): Promise<number> {
  const record = JSON.parse(await readFile(join(place.home, 'temporal.db.server.json'), 'utf8')) as {
    pid: number;
  };
  return record.pid;
}
