import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compare } from '../../cli/commands/compare.ts';
import { convert } from '../../cli/commands/convert.ts';
import { inspect } from '../../cli/commands/inspect.ts';
import { merge } from '../../cli/commands/merge.ts';
import { quantize } from '../../cli/commands/quantize.ts';
import { baseOfAdapters, plainAdapter } from '../fixtures/hostile/adapter-cases.ts';
import { callVerb } from '../fixtures/hostile/call-verb.ts';
import { canary } from '../fixtures/hostile/hostile-case.ts';
import { hostileCorpus } from '../fixtures/hostile/hostile-corpus.ts';
import { verbsOfCase } from '../fixtures/hostile/verbs-of-case.ts';
import { writeCase, writeFolder } from '../fixtures/hostile/write-case.ts';

const commands = [inspect, convert, compare, merge, quantize];
const light = hostileCorpus.filter(({ heavy }) => heavy !== true);
const elsewhere = process.cwd();
let folder = '';
const at = (...parts: readonly string[]) => join(folder, ...parts);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'enginewright-hostile-'));
  await writeFolder(at('base'), baseOfAdapters);
  await writeFolder(at('adapter'), plainAdapter);
  await mkdir(at('results'));
  // A payload that ran would leave its file here.
  process.chdir(folder);
});

afterAll(async () => {
  process.chdir(elsewhere);
  await rm(folder, { recursive: true });
});

describe.each(light)('$name', (hostile) => {
  it(`is refused by every verb: ${hostile.failure}`, { timeout: 20_000 }, async () => {
    const near = { base: at('base'), adapter: at('adapter'), out: at('results', 'out') };
    const input = await writeCase(hostile, at(hostile.name));

    for (const [verb = '', ...args] of verbsOfCase(hostile, input, near)) {
      const command = commands.find(({ name }) => name === verb);
      if (command === undefined) throw new Error(`there is no verb ${verb}`);

      const end = await callVerb(command, args);

      expect(end, `${verb} of ${hostile.name}`).toEqual({
        name: hostile.failure,
        message: expect.stringContaining(hostile.says),
      });
      expect(end.message.length).toBeLessThan(2000);
    }

    expect(await readdir(at('results'))).toEqual([]);
    expect(await readdir(folder)).not.toContain(canary);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

it('has a name of its own for every case', () => {
  const names = hostileCorpus.map(({ name }) => name);

  expect(new Set(names).size).toBe(names.length);
  expect(light.length).toBeGreaterThan(150);
});
