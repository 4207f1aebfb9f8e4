import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { actContracts, stepContracts } from '../../../../activities/contracts.ts';
import { predictSteps } from '../../../../cli/run/predict-steps.ts';
import type { Foresight } from '../../../../cli/run/predictions.ts';
import { preparePlan } from '../../../../cli/run/prepare-plan.ts';
import type { ArtifactKind, Digest } from '../../../../core/domain/artifact.ts';
import type { JsonObject } from '../../../../core/domain/json.ts';
import type { Plan } from '../../../../core/domain/plan.ts';
import type { StepResult } from '../../../../core/domain/step.ts';
import { packageRoot } from '../../../../system/package-root.ts';

const names = [...stepContracts, ...actContracts].map(({ name }) => name);

let home = '';
let plan: Plan;

/** A recipe in which every step has something to do: calibrated, with a benchmark, one adapter merged and one not. */
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'enginewright-predict-'));
  const file = join(packageRoot(), 'examples', 'sample', 'quantizations.yaml');
  const prepared = await preparePlan({ file, home, endpoint: null });
  plan = {
    ...prepared.plan,
    adapters: [true, false].flatMap((merge) => prepared.plan.adapters.map((it) => ({ ...it, merge }))),
    benchmark: { inputTokens: 8, outputTokens: 8, concurrency: [1], repeats: 1 },
    publish: { alias: 'candidate', promote: 'on-pass', choose: 'smallest' },
  };
});
afterAll(() => rm(home, { recursive: true, force: true }));

describe('predicting a run', () => {
  it('foretells every step there is, in a store that has all of them', async () => {
    const steps = await predictSteps(plan, everythingMade());

    expect(new Set(steps.map(({ step }) => step))).toEqual(new Set(names));
    expect(steps.filter(({ status }) => status === 'will run')).toEqual([]);
  });

  it('tells the same steps as not made yet in an empty store, but for those that depend on what is found', async () => {
    const steps = await predictSteps(plan, {
      listing: async () => ({ commit: 'c'.repeat(40), made: null }),
      lookup: async () => null,
    });

    const foretold = new Set(steps.map(({ step }) => step));
    expect(names.filter((name) => !foretold.has(name))).toEqual(['compare-weights']);
    expect(steps.filter(({ status }) => status === 'cached')).toEqual([]);
  });
});

/** Answers every question with an artifact; what was fetched is a PyTorch archive, and every variant passed. */
function everythingMade(): Foresight {
  const verdicts = Object.fromEntries(plan.variants.map(({ name }) => [name, 'pass']));
  const facts: JsonObject = { format: 'bin', variants: verdicts };
  const made = <Kind extends ArtifactKind>(kind: Kind): StepResult<Kind> => {
    const artifact = { kind, digest: 'd'.repeat(64) as Digest, bytes: 1 };
    return { artifact, key: 'e'.repeat(64) as Digest, cached: true, facts, seconds: 0 };
  };
  return {
    listing: async () => ({ commit: 'c'.repeat(40), made: made('listing') }),
    lookup: async ({ produces }) => made(produces),
  };
}
