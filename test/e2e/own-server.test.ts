// A Temporal server that somebody else runs: the command line brings neither server nor workers.
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../system/package-root.ts';
import { locateTemporalServer } from '../../system/temporal-server/locate-server.ts';
import {
  startTemporalServer,
  type TemporalServer,
} from '../../system/temporal-server/start-temporal-server.ts';
import { jsonOf, runCli, startCli, type CliProcess } from './harness/cli.ts';
import { makePlace, type Place } from './harness/place.ts';
import { writeRecipe } from './harness/recipe.ts';
import type { RunDocument } from './harness/runs.ts';
import { waitUntil } from './harness/wait-until.ts';

describe('a server of one’s own', () => {
  let place: Place;
  let server: TemporalServer;
  let recipe: string;
  const workers: CliProcess[] = [];

  beforeAll(async () => {
    place = await makePlace();
    const executable = await locateTemporalServer({
      root: packageRoot(),
      override: process.env['TEMPORAL_PATH'],
    });
    server = await startTemporalServer(
      {
        executable,
        databaseFile: join(place.folder, 'own.db'),
        logFile: join(place.folder, 'own.log'),
        namespace: 'default',
      },
      { signal: AbortSignal.timeout(60_000), onProgress: () => undefined },
    );
    recipe = await writeRecipe(place.recipes, 'own', {
      name: 'own',
      model: { source: `file:${join(place.hub, 'sample-llama')}` },
      baseline: 'f16',
      variants: { f16: { quantization: { method: 'none' } } },
      trial: { prompts: ['The database'], maxNewTokens: 4 },
    });
  });
  afterAll(async () => {
    for (const worker of workers) worker.kill('SIGTERM');
    await Promise.all(workers.map(({ ended }) => ended));
    await server.stop();
    await place[Symbol.asyncDispose]();
  });

  it('that was never prepared is refused by name, with what to do', async () => {
    const end = await runCli(['run', recipe, '--address', server.address], { home: place.home });

    expect(end.exitCode).toBe(78);
    expect(end.stderr).toMatch(/^NamespaceMismatch: /m);
    expect(end.stderr).toContain('enginewright worker --role control');
  });

  it('runs recipes once its workers are started, and lists them', async () => {
    const options = { home: place.home };
    for (const role of ['control', 'cpu', 'engine'])
      workers.push(startCli(['worker', '--role', role, '--address', server.address], options));
    await waitUntil('the workers poll', async () =>
      workers.every((worker) => worker.stdout().includes('polls')),
    );

    const run = await jsonOf<RunDocument>(['run', recipe, '--address', server.address], options);
    const runs = await jsonOf<{ run: string }[]>(['runs', '--address', server.address], options);

    expect(run.verdict).toBe('pass');
    expect(runs.map((entry) => entry.run)).toEqual([run.run]);
  });

  it('that is not there is told to a worker at once', async () => {
    const end = await runCli(['worker', '--role', 'cpu', '--address', '127.0.0.1:1'], { home: place.home });

    expect(end.exitCode).toBe(69);
    expect(end.stderr).toMatch(/^ServerUnreachable: no Temporal server answers at 127\.0\.0\.1:1/m);
  });
});
