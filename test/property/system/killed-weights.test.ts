import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runChaos } from '../../../tools/chaos/chaos-trial.ts';
import { seededRandom } from '../../../tools/chaos/random.ts';
import { type ChaosVerb, chaosVerbs } from '../../../tools/chaos/verbs.ts';
import { writeChaosModel } from '../../../tools/chaos/weights-model.ts';

// One for each victim; `npm run chaos:weights` does the same a hundred times with a larger model.
const kills = 3;
let folder = '';
let verbs: readonly ChaosVerb[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'enginewright-killed-'));
  verbs = await chaosVerbs(await writeChaosModel(folder, 8), folder);
});

afterAll(() => rm(folder, { recursive: true }));

it.each(['convert', 'merge', 'quantize', 'convert a file to .bin', 'convert a file to .safetensors'])(
  `%s, killed at ${kills} moments, leaves all or nothing, and gives the same bytes afterwards`,
  async (name) => {
    const verb = verbs.find((one) => one.name === name);
    if (verb === undefined) throw new Error(`there is no verb ${name}`);

    const random = seededRandom(verbs.indexOf(verb));
    const outcome = await runChaos(verb, { folder, kills, wholeRuns: 2, random });

    expect(outcome.partial).toEqual([]);
    expect(outcome.differentAfterRerun).toEqual([]);
    expect(outcome.draftsAfterRerun).toBe(0);
    expect(outcome.leftInTemporary).toBe(0);
    // The kills did meet the runs; not each of them, when the machine is suddenly less busy than it was.
    expect(outcome.absent).toBeGreaterThan(0);
    expect(outcome.inTime.group + outcome.inTime.node).toBeGreaterThan(0);
  },
);
