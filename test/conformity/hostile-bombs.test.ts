import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { baseOfAdapters, plainAdapter } from '../fixtures/hostile/adapter-cases.ts';
import { canary } from '../fixtures/hostile/hostile-case.ts';
import { hostileCorpus } from '../fixtures/hostile/hostile-corpus.ts';
import { measureCli } from '../fixtures/hostile/measure-cli.ts';
import { verbsOfCase } from '../fixtures/hostile/verbs-of-case.ts';
import { writeCase, writeFolder } from '../fixtures/hostile/write-case.ts';

/** Far above what any of them takes on an idle machine, far below what they ask for. */
const seconds = 20;
const peakBytes = 512 * 2 ** 20;

// What attacks memory or time, and of everything else that could run code one of each kind of file.
const chosen = hostileCorpus.filter(
  ({ name, heavy }) =>
    heavy === true || /^bin-(?:runs-posix-system|legacy-runs-code|bare-pickle)$/.test(name),
);
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'enginewright-bombs-'));
  await writeFolder(join(folder, 'base'), baseOfAdapters);
  await writeFolder(join(folder, 'adapter'), plainAdapter);
  await mkdir(join(folder, 'results'));
});

afterAll(() => rm(folder, { recursive: true }));

describe.each(chosen)('$name', (hostile) => {
  it(`is refused in time and memory: ${hostile.failure}`, { timeout: 60_000 }, async () => {
    const input = await writeCase(hostile, join(folder, hostile.name));
    const near = {
      base: join(folder, 'base'),
      adapter: join(folder, 'adapter'),
      out: join(folder, 'results', 'out'),
    };
    // The verb that would write is the one that matters; the others read through the same door.
    const lines = verbsOfCase(hostile, input, near);
    const line = lines.find(([verb]) => verb === 'convert') ?? lines[0] ?? [];

    const end = await measureCli([...line, '--json'], { cwd: folder, seconds });
    await rm(input, { recursive: true });

    expect(end.timedOut).toBe(false);
    expect(JSON.parse(end.stdout)).toMatchObject({
      error: { name: hostile.failure, message: expect.stringContaining(hostile.says) },
    });
    expect(end.code).toBe(65);
    expect(end.peakBytes).toBeLessThan(peakBytes);
    expect(await readdir(join(folder, 'results'))).toEqual([]);
    expect(await readdir(folder)).not.toContain(canary);
  });
});
