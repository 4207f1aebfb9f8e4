import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runChaos } from '../../../tools/chaos/chaos-trial.ts';
import { seededRandom } from '../../../tools/chaos/random.ts';
import { writeChaosModel } from '../../../tools/chaos/weights-model.ts';

// `npm run chaos:weights` does the same a hundred times with a larger model.
const kills = 6;
let folder = '';
let model = { base: '', adapter: '' };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'enginewright-killed-'));
  model = await writeChaosModel(folder, 60);
});

afterAll(() => rm(folder, { recursive: true }));

it.each([
  ['convert', (out: string) => ['convert', model.base, out, '--to', 'bin']],
  ['merge', (out: string) => ['merge', '--base', model.base, '--adapter', model.adapter, '--out', out]],
])(
  `%s, killed at ${kills} moments, leaves all or nothing, and gives the same bytes afterwards`,
  async (name, args) => {
    const outcome = await runChaos({ name, args }, { folder, kills, random: seededRandom(7) });

    expect(outcome.partial).toEqual([]);
    expect(outcome.differentAfterRerun).toEqual([]);
    expect(outcome.draftsAfterRerun).toBe(0);
    // The kills did meet the runs.
    expect(outcome.absent).toBeGreaterThanOrEqual(kills / 2);
    expect(outcome.inTime.group + outcome.inTime.node).toBeGreaterThan(1);
  },
);
