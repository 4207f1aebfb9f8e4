import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CancelledFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRunStep, type RunStep, type StepScope } from '../../../activities/run-step.ts';
import { BuildFailure } from '../../../core/domain/failures.ts';
import type { JsonObject } from '../../../core/domain/json.ts';
import { defineStep, type StepResult } from '../../../core/domain/step.ts';
import type { Identities } from '../../../core/planning/full-key.ts';
import { createFolderStore } from '../../../system/artifact-store/folder-store.ts';

interface Input {
  readonly text: string;
}

const step = defineStep({
  name: 'write-text',
  version: 1,
  produces: 'model',
  worker: 'cpu',
  startToCloseTimeout: '1 minutes',
  stallTimeoutMs: 60_000,
  dependsOn: { toolchain: false, machine: 'none' },
  key: ({ text }: Input) => ({ inputs: {}, parameters: { text, toolchain: 't' } }),
  summary: ({ text }) => text,
});

const identities: Identities = {
  toolchain: async (id) => ({ id, version: '1' }),
  machine: async () => ({ instructions: 'avx2' }),
  host: async () => ({ host: 'h' }),
};

/** What it writes here are no weights. */
const weights = { identify: async () => null };

let root = '';
let runStep: RunStep;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'enginewright-step-'));
  runStep = createRunStep({ store: createFolderStore(root), identities, weights });
});

afterEach(() => rm(root, { recursive: true, force: true }));

const contents = (folder: string): Promise<string[]> => readdir(join(root, folder)).catch(() => []);

async function writeText({ out }: StepScope): Promise<JsonObject> {
  await writeFile(join(out, 'text'), 'text');
  return { characters: 4 };
}

/** Runs one step as an activity of its own. */
function run(
  effect: (scope: StepScope) => Promise<JsonObject>,
  { contract = step, input = { text: 'a' }, environment = new MockActivityEnvironment(), via = runStep } = {},
): Promise<StepResult<'model'>> {
  return environment.run(() => via(contract, input, effect));
}

/** Ends with the reason of the signal, as effects do. */
async function untilStopped({ signal, out }: StepScope): Promise<JsonObject> {
  await writeFile(join(out, 'half'), '');
  await sleep(60_000, undefined, { signal });
  return {};
}

describe('the first time', () => {
  it('the effect runs, and what it wrote is published with where it came from', async () => {
    const result = await run(writeText);

    expect(result).toMatchObject({
      cached: false,
      facts: { characters: 4 },
      artifact: { kind: 'model', bytes: 4 },
    });
    const folder = join(root, 'objects', result.artifact.digest);
    expect(await readFile(join(folder, 'text'), 'utf8')).toBe('text');
    expect(JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8'))).toMatchObject({
      facts: { characters: 4 },
      provenance: { step: 'write-text', stepVersion: 1, key: result.key, parameters: { text: 'a' } },
    });
  });

  it('nothing of the work is left but the artifact and its key', async () => {
    await run(writeText);

    expect(await contents('scratch')).toEqual([]);
    expect(await contents('leases')).toEqual([]);
    expect(await contents('keys')).toHaveLength(1);
  });
});

describe('the second time', () => {
  it('nothing runs', async () => {
    const first = await run(writeText);
    const second = await run(() => Promise.reject(new Error('ran again')));

    expect(second).toEqual({ ...first, cached: true, seconds: expect.any(Number) });
  });

  it('another input, another version and a damaged artifact run all the same', async () => {
    const { artifact } = await run(writeText);
    let runs = 0;
    const counted = async (scope: StepScope): Promise<JsonObject> => {
      runs += 1;
      return await writeText(scope);
    };
    await run(counted, { input: { text: 'b' } });
    await run(counted, { contract: { ...step, version: 2 } });
    await rm(join(root, 'objects', artifact.digest, 'text'), { force: true });
    const mended = await run(counted);

    expect(runs).toBe(3);
    expect(mended).toMatchObject({ artifact, cached: false });
  });

  it('another toolchain or machine counts exactly when the step depends on them', async () => {
    const changed: Identities = {
      ...identities,
      toolchain: async (id) => ({ id, version: '2' }),
      machine: async () => ({ instructions: 'avx512' }),
    };
    const other = createRunStep({ store: createFolderStore(root), identities: changed, weights });
    const cases = [
      [{ toolchain: false, machine: 'none' }, true],
      [{ toolchain: true, machine: 'none' }, false],
      [{ toolchain: false, machine: 'cpu' }, false],
    ] as const;
    for (const [dependsOn, cached] of cases) {
      const contract = { ...step, dependsOn };
      const input = { text: JSON.stringify(dependsOn) };
      await run(writeText, { contract, input });

      expect(await run(writeText, { contract, input, via: other })).toMatchObject({ cached });
    }
  });
});

describe('a failed effect', () => {
  it('publishes nothing, leaves nothing, and its failure is the step’s', async () => {
    const failing = run(async ({ out }) => {
      await writeFile(join(out, 'half'), '');
      throw new BuildFailure('ToolFailed', 'no');
    });

    await expect(failing).rejects.toMatchObject({ name: 'ToolFailed', message: 'no' });
    expect(await contents('objects')).toEqual([]);
    expect(await contents('keys')).toEqual([]);
    expect(await contents('scratch')).toEqual([]);
    expect(await contents('leases')).toEqual([]);
  });

  it('is not remembered: the next attempt runs', async () => {
    await run(() => Promise.reject(new Error('once'))).catch(() => undefined);

    expect(await run(writeText)).toMatchObject({ cached: false });
  });
});

describe('a cancelled step', () => {
  it('ends as cancelled, whatever its effect made of the abort, and leaves nothing', async () => {
    const environment = new MockActivityEnvironment();
    const cancelled = run(
      async (scope) => {
        environment.cancel();
        return await untilStopped(scope).catch(() => {
          throw new BuildFailure('ToolCrashed', 'was ended by SIGTERM');
        });
      },
      { environment },
    );

    await expect(cancelled).rejects.toBeInstanceOf(CancelledFailure);
    expect(await contents('objects')).toEqual([]);
    expect(await contents('scratch')).toEqual([]);
    expect(await contents('leases')).toEqual([]);
  });

  it('publishes nothing even when its effect finished all the same', async () => {
    const environment = new MockActivityEnvironment();
    const cancelled = run(
      async (scope) => {
        environment.cancel();
        return await writeText(scope);
      },
      { environment },
    );

    await expect(cancelled).rejects.toBeInstanceOf(CancelledFailure);
    expect(await contents('keys')).toEqual([]);
  });

  it('stops waiting for another builder', async () => {
    const stop = new AbortController();
    let builder: Promise<unknown> = Promise.resolve();
    await new Promise<void>((begun) => {
      builder = run((scope) => {
        begun();
        return untilStopped({ ...scope, signal: stop.signal });
      });
    });
    const environment = new MockActivityEnvironment();
    environment.on('heartbeat', ({ note }: { note: string }) => {
      if (note.startsWith('another run builds this')) environment.cancel();
    });

    await expect(run(writeText, { environment })).rejects.toBeInstanceOf(CancelledFailure);
    stop.abort();
    await expect(builder).rejects.toThrow('aborted');
  });
});

describe('a step that reports nothing new', () => {
  it('is ended as Stalled, also when it says the same again and again', async () => {
    const contract = { ...step, stallTimeoutMs: 50 };
    const chatty = async ({ signal, onProgress }: StepScope): Promise<JsonObject> => {
      for (;;) {
        onProgress({ fraction: 0.5 });
        await sleep(20, undefined, { signal });
      }
    };

    // Both at once, because a standstill is looked for every five seconds; of two keys, or one would wait for the other.
    const ends = await Promise.allSettled([
      run(untilStopped, { contract, input: { text: 'silent' } }),
      run(chatty, { contract, input: { text: 'chatty' } }),
    ]);

    const stalled = { name: 'Stalled', message: expect.stringMatching(/reported nothing new/) };
    expect(ends).toMatchObject([{ reason: stalled }, { reason: stalled }]);
    expect(await contents('scratch')).toEqual([]);
  });

  it('lives on while it reports, and while it waits for another builder', async () => {
    const contract = { ...step, stallTimeoutMs: 3_000 };
    const busy = async (scope: StepScope): Promise<JsonObject> => {
      for (let tenth = 0; tenth < 65; tenth += 1) {
        scope.onProgress({ fraction: tenth / 65 });
        await sleep(100, undefined, { signal: scope.signal });
      }
      return await writeText(scope);
    };
    const results = await Promise.all([run(busy, { contract }), run(busy, { contract })]);

    expect(results.filter(({ cached }) => cached)).toHaveLength(1);
  });
});

it('what several need at once is built once', async () => {
  let runs = 0;
  const slow = async (scope: StepScope): Promise<JsonObject> => {
    runs += 1;
    await sleep(100);
    return await writeText(scope);
  };
  const results = await Promise.all(Array.from({ length: 5 }, () => run(slow)));

  expect(runs).toBe(1);
  expect(results.filter(({ cached }) => cached)).toHaveLength(4);
  expect(new Set(results.map(({ artifact }) => artifact.digest)).size).toBe(1);
});

it('reports by heartbeat what the effect reports', async () => {
  const environment = new MockActivityEnvironment();
  const beats: unknown[] = [];
  environment.on('heartbeat', (beat) => beats.push(beat));
  await run(
    async (scope) => {
      scope.onProgress({ fraction: 0.5, note: 'half' });
      scope.onProgress({ fraction: 0.75 });
      return await writeText(scope);
    },
    { environment },
  );

  expect(beats).toEqual(
    expect.arrayContaining([
      { fraction: 0.5, note: 'half' },
      { fraction: 0.75, note: 'half' },
    ]),
  );
});

it('a hit that takes long to verify sends heartbeats meanwhile', async () => {
  await run(writeText);
  const environment = new MockActivityEnvironment();
  let beats = 0;
  environment.on('heartbeat', () => (beats += 1));

  expect(await run(writeText, { environment })).toMatchObject({ cached: true });
  expect(beats).toBeGreaterThan(0);
});
