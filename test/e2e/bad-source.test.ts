import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { startLoopbackHub } from '../../system/loopback-hub/start-loopback-hub.ts';
import { cutAfter, startUnrulyHub, type Fault, type Visit } from '../fixtures/unruly-hub.ts';
import { faultsOfStore } from './harness/check-store.ts';
import { runCli, type CliEnd, type CliOptions } from './harness/cli.ts';
import { copyRepository, type Place } from './harness/place.ts';
import { single, smallRecipe, writeRecipe, type RecipeText } from './harness/recipe.ts';
import { runRecipe } from './harness/runs.ts';
import { makeReadOnly, mayMount, mountSmallDisk } from './harness/small-disk.ts';
import { startUp, type RunningStack } from './harness/stack.ts';
import { useStack } from './harness/use-stack.ts';
import { changeLastByte, withHalvedSides } from './harness/altered-weights.ts';
import { refusalIn, refusedAs } from './harness/refusals.ts';
import { filesWith, historyOf } from './harness/search-traces.ts';

/** Looks like a token, and like nothing else that a run writes. */
const secret = 'hf_MarkedSecretThatMustNotBeSeen0123456789';

let place: Place;
let stack: RunningStack;
let options: CliOptions;

useStack((scene) => ({ place, stack, options } = scene), { env: { HF_TOKEN: secret } });

describe('a source that cannot be had', () => {
  afterEach(async () => {
    const faults = await faultsOfStore(place.home);
    if (faults.length > 0) throw new Error(faults.join('; '));
  });

  const runWith = async (recipe: RecipeText, endpoint?: string): Promise<CliEnd> => {
    const file = await writeRecipe(place.recipes, recipe.name, recipe);
    return runCli(['run', file], {
      ...options,
      ...(endpoint === undefined ? {} : { env: { HF_ENDPOINT: endpoint } }),
    });
  };

  it('is named when the repository does not exist', async () => {
    const end = await runWith({ ...single, model: { source: 'hf:sample/no-such-model' } });

    expect(refusalIn(end)).toEqual(refusedAs('RepositoryMissing', /sample\/no-such-model/));
  });

  it('is named with the revision that does not exist', async () => {
    const end = await runWith({ ...single, model: { ...single.model, revision: 'no-such-branch' } });

    expect(refusalIn(end)).toEqual(
      refusedAs('RevisionMissing', /sample\/sample-llama has no revision no-such-branch/),
    );
  });

  it('is named when the folder does not exist', async () => {
    expect(refusalIn(await runWith({ ...single, model: { source: 'file:nowhere' } }))).toEqual(
      refusedAs('RepositoryMissing', /nowhere/),
    );
  });

  it('is named when the folder holds no weights', async () => {
    await mkdir(join(place.recipes, 'no-weights'), { recursive: true });
    await writeFile(join(place.recipes, 'no-weights', 'config.json'), '{}');

    expect(refusalIn(await runWith({ ...single, model: { source: 'file:no-weights' } }))).toEqual(
      refusedAs('SnapshotEmpty', /no-weights/),
    );
  });

  it('is named when it is gated and the account has not accepted its licence', async () => {
    const gated = ['sample/sample-llama'];
    await using hub = await startLoopbackHub({ root: place.hub, gated, tokens: { [secret]: [] } });

    const end = await runWith(single, hub.endpoint);

    expect(refusalIn(end)).toEqual(refusedAs('AccessDenied', /sample\/sample-llama is gated \(403\)/));
    expect(end.stderr).not.toContain(secret);
  });

  it('is named when the token is not known to the hub', async () => {
    await using hub = await startLoopbackHub({ root: place.hub, tokens: { hf_other: [] } });

    expect(refusalIn(await runWith(single, hub.endpoint))).toEqual(refusedAs('AccessDenied', /401/));
  });

  it('is named when the adapter was made for another base', async () => {
    await copyRepository(join(place.hub, 'lora-summarise'), join(place.recipes, 'lora-foreign'));
    const file = join(place.recipes, 'lora-foreign', 'adapter_model.safetensors');
    await writeFile(file, withHalvedSides(await readFile(file)));
    const configFile = join(place.recipes, 'lora-foreign', 'adapter_config.json');
    const config = JSON.parse(await readFile(configFile, 'utf8')) as { r: number };
    await writeFile(configFile, JSON.stringify({ ...config, r: 2 * config.r }));

    const end = await runWith({ ...single, adapters: [{ source: 'file:lora-foreign' }] });

    expect(refusalIn(end)).toEqual(
      refusedAs(
        'AdapterMismatch',
        /\/lora-foreign makes a delta of \[128, 384\] for model\.layers\.0\.mlp\.down_proj, but the base has \[256, 768\]/,
      ),
    );
  });
});

// Each of these waits for the retries that a bad network deserves, so they wait together.
describe.concurrent('a network that fails', () => {
  const names = ['cut', 'altered', 'passing'] as const;
  const runAgainst = async (name: (typeof names)[number], fault: Fault): Promise<CliEnd> => {
    // Weights of its own, so that nothing fetched before can stand in for them.
    const root = join(place.folder, name, 'sample');
    await copyRepository(join(place.hub, 'sample-llama'), join(root, 'sample-llama'));
    await changeLastByte(
      join(root, 'sample-llama', 'model-00002-of-00002.safetensors'),
      1 + names.indexOf(name),
    );
    await using hub = await startUnrulyHub({ root, tokens: { [secret]: [] } }, fault);
    const file = await writeRecipe(place.recipes, name, { ...single, name });
    return await runCli(['run', file], { ...options, env: { HF_ENDPOINT: hub.endpoint } });
  };

  it('is reported as an unreachable hub', async () => {
    const file = await writeRecipe(place.recipes, 'unreachable', { ...single, name: 'unreachable' });

    const end = await runCli(['plan', file], { ...options, env: { HF_ENDPOINT: 'http://127.0.0.1:1' } });

    expect(refusalIn(end)).toEqual(refusedAs('HubUnreachable', /127\.0\.0\.1:1/));
  });

  it('is reported by a run, too, after the attempts that a hub deserves', async () => {
    const file = await writeRecipe(place.recipes, 'away', { ...single, name: 'away' });

    const end = await runCli(['run', file], { ...options, env: { HF_ENDPOINT: 'http://127.0.0.1:1' } });

    expect(refusalIn(end)).toEqual(refusedAs('HubUnreachable', /127\.0\.0\.1:1/));
    expect(end.stderr).toMatch(/resolve-source .* attempt 2 after: .*127\.0\.0\.1:1/);
  });

  it('is reported when a download is cut every time', async () => {
    const end = await runAgainst(
      'cut',
      async (visit, response) => isDownload(visit) && cutAfter(1000, visit, response),
    );

    expect(refusalIn(end)).toEqual(refusedAs('DownloadTruncated', /model-0000\d-of-00002\.safetensors/));
  });

  it('is reported when a download has other bytes than the hub announced', async () => {
    const end = await runAgainst('altered', async (visit, response) => {
      if (!isDownload(visit)) return false;
      const { status, headers, body } = await visit.original();
      body[body.length - 1] = (body.at(-1) ?? 0) ^ 1;
      response.writeHead(status, headers).end(body);
      return true;
    });

    expect(refusalIn(end)).toEqual(refusedAs('DownloadCorrupt', /model-0000\d-of-00002\.safetensors/));
  });

  it('is not noticed by the user when it passes', async () => {
    let cuts = 0;
    const end = await runAgainst('passing', async (visit, response) => {
      if (!isDownload(visit) || cuts >= 2) return false;
      cuts++;
      return cutAfter(100_000, visit, response);
    });

    expect(cuts).toBe(2);
    expect(end).toMatchObject({ exitCode: 0 });
  });
});

it('has left nothing half-written after all of it', async () => {
  expect(await faultsOfStore(place.home)).toEqual([]);
});

describe('a store that cannot be written', () => {
  const recipeOf = (): Promise<string> =>
    writeRecipe(place.recipes, 'summaries', { ...smallRecipe, name: 'summaries' });

  it('is named when a file is in its place', async () => {
    const home = join(place.folder, 'blocked-home');
    await mkdir(home);
    await writeFile(join(home, 'store'), '');

    expect(refusalIn(await runCli(['run', await recipeOf()], { home }))).toEqual(
      refusedAs('StoreUnwritable', /blocked-home/),
    );
  });

  it('is named when it may only be read', async () => {
    const home = join(place.folder, 'read-only-home');
    await using _disk = await makeReadOnly(join(home, 'store'));

    expect(refusalIn(await runCli(['run', await recipeOf()], { home }))).toEqual(
      refusedAs('StoreUnwritable', /read-only-home/),
    );
  });

  it('is named when its disk is full, and the next run goes on once there is room', async ({ skip }) => {
    skip(!mayMount, 'only root may mount a small disk to fill');
    const home = join(place.folder, 'full-home');
    await using disk = await mountSmallDisk(join(home, 'store'), 6 << 20);
    await using _own = await startUp(['--hub', place.hub], { home });
    const file = await writeRecipe(place.recipes, 'full', { ...single, name: 'full' });

    const full = await runCli(['run', file], { home });

    expect(refusalIn(full)).toEqual(refusedAs('DiskFull', /full-home/));
    expect(await faultsOfStore(home)).toEqual([]);

    await disk.resize(200 << 20);
    const { end, document } = await runRecipe(file, { home });

    expect(end.exitCode).toBe(0);
    expect(document.variants[0]?.engine).toMatch(/^[0-9a-f]{64}$/);
    expect(await faultsOfStore(home)).toEqual([]);
  });
});

it('uses the token of a gated repository, and writes it down nowhere', async () => {
  const gated = ['sample/sample-llama'];
  const root = join(place.folder, 'gated', 'sample');
  await copyRepository(join(place.hub, 'sample-llama'), join(root, 'sample-llama'));
  await changeLastByte(join(root, 'sample-llama', 'model-00002-of-00002.safetensors'), 9);
  await using hub = await startLoopbackHub({ root, gated, tokens: { [secret]: gated } });
  const env = { HF_ENDPOINT: hub.endpoint, HF_TOKEN: secret };
  const file = await writeRecipe(place.recipes, 'gated', { ...single, name: 'gated' });

  const { end, document } = await runRecipe(file, { ...options, env });
  const shown = await runCli(['show', document.run, '--json'], options);

  expect(end.exitCode).toBe(0);
  for (const text of [end.stdout, end.stderr, shown.stdout, stack.output()])
    expect(text).not.toContain(secret);
  expect(await historyOf(document.run, stack)).not.toContain(secret);
  expect(await filesWith(secret, place.home)).toEqual([]);
  // The search itself must be able to find something, also in the database or its write-ahead log.
  expect(await filesWith(document.run, place.home)).toEqual(
    expect.arrayContaining([expect.stringMatching(/^temporal\.db/)]),
  );
});
const isDownload = ({ host, method }: Visit): boolean => host === 'content' && method === 'GET';
