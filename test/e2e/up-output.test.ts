import { chmod, open, readFile, readlink, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../system/package-root.ts';
import { locateTemporalServer } from '../../system/temporal-server/locate-server.ts';
import { runCli, type CliOptions } from './harness/cli.ts';
import { makePlace, type Place } from './harness/place.ts';
import { startUp, type RunningStack } from './harness/stack.ts';

describe('up with a Temporal CLI of one’s own', () => {
  let place: Place;
  let stack: RunningStack;
  let options: CliOptions;
  let executable: string;

  beforeAll(async () => {
    place = await makePlace();
    executable = await locateTemporalServer({ root: packageRoot() });
    const wrapper = join(place.folder, 'my-temporal');
    const mark = join(place.folder, 'mark');
    await writeFile(wrapper, `#!/bin/sh\necho "$@" > '${mark}'\nexec '${executable}' "$@"\n`);
    await chmod(wrapper, 0o755);
    options = { home: place.home, env: { TEMPORAL_PATH: wrapper } };
    stack = await startUp(['--hub', place.hub], options);
  });

  afterAll(async () => {
    await stack?.[Symbol.asyncDispose]();
    await place?.[Symbol.asyncDispose]();
  });

  it('starts the one that TEMPORAL_PATH names', async () => {
    const record = await readFile(join(place.home, 'temporal.db.server.json'), 'utf8');
    const { pid } = JSON.parse(record) as { pid: number };

    expect(await readFile(join(place.folder, 'mark'), 'utf8')).toMatch(/^server start-dev .*temporal\.db/);
    expect(await readlink(`/proc/${pid}/exe`)).toBe(executable);
  });

  it('prints where server, web UI, hub and home are, and they are there', async () => {
    const { address, uiAddress, hubEndpoint } = await stack.record();

    expect(stack.stdout()).toBe(
      `server     ${address}\nweb UI     ${uiAddress}\nmodel hub  ${hubEndpoint}\nhome       ${place.home}\n`,
    );
    expect((await fetch(uiAddress)).status).toBe(200);
    expect((await fetch(`${hubEndpoint}/api/models/sample/sample-llama`)).status).toBe(200);
    expect((await runCli(['runs', '--address', address], options)).stdout).toBe('no runs yet\n');
  });

  it('keeps its database with a write-ahead log', async () => {
    const file = await open(join(place.home, 'temporal.db'));
    const header = Buffer.alloc(20);
    await file.read(header, 0, 20, 0);
    await file.close();

    // Read and write version of https://www.sqlite.org/fileformat.html, 1.3.3: 2 is WAL.
    expect([header.toString('latin1', 0, 15), header[18], header[19]]).toEqual(['SQLite format 3', 2, 2]);
    expect((await stat(join(place.home, 'temporal.db-wal'))).isFile()).toBe(true);
  });

  it('refuses a second stack in the same home', async () => {
    const { exitCode, stderr } = await runCli(['up'], options);

    expect({ exitCode, stderr }).toEqual({
      exitCode: 69,
      stderr: expect.stringMatching(
        new RegExp(`^ServerFailed: process ${stack.pid} already runs a stack in ${place.home}\n`),
      ) as string,
    });
  });
});

it('a TEMPORAL_PATH that leads nowhere is named before anything is started', async () => {
  await using place = await makePlace();
  const env = { TEMPORAL_PATH: join(place.folder, 'nowhere') };
  const { exitCode, stderr } = await runCli(['up'], { home: place.home, env });

  expect({ exitCode, stderr }).toEqual({
    exitCode: 69,
    stderr: `ToolchainMissing: there is no Temporal server at ${env.TEMPORAL_PATH}\n  Correct TEMPORAL_PATH, or unset it and run npm run setup.\n`,
  });
});
