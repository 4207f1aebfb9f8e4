import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { actContracts, stepContracts } from '../../../activities/contracts.ts';
import { createCpuSteps, createEngineSteps } from '../../../activities/registry.ts';
import type { StepDeps } from '../../../activities/step-deps.ts';
import { packageRoot } from '../../../system/package-root.ts';

const contracts = [...stepContracts, ...actContracts];
const names = contracts.map(({ name }) => name).toSorted();

/** Registering a step uses none of them. */
const deps = {} as StepDeps;

describe('the register of steps', () => {
  it('lists every folder of activities/ once, under the name of its contract', async () => {
    const entries = await readdir(join(packageRoot(), 'activities'), { withFileTypes: true });

    const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    expect(names).toEqual(folders.toSorted());
  });

  it.each([
    ['cpu', createCpuSteps(deps)],
    ['engine', createEngineSteps(deps)],
  ] as const)(
    'gives a worker of kind %s the steps whose contracts name it, and no other',
    (worker, steps) => {
      const named = contracts.filter((contract) => contract.worker === worker).map(({ name }) => name);

      expect(Object.keys(steps).toSorted()).toEqual(named.toSorted());
    },
  );
});
