import { join } from 'node:path';
import { createCpuSteps, createEngineSteps } from '../activities/registry.ts';
import { createRunStep } from '../activities/run-step.ts';
import type { StepDeps } from '../activities/step-deps.ts';
import type { Environment } from '../config/environment.ts';
import { AliasBook } from '../system/artifact-store/aliases.ts';
import { createFolderStore } from '../system/artifact-store/folder-store.ts';
import { reapScratch } from '../system/artifact-store/scratch.ts';
import { describeHost } from '../system/host.ts';
import { createSources } from '../system/sources/create-sources.ts';
import { createToolchains, identitiesOf } from '../system/toolchains/create-toolchains.ts';
import { createWeightTools } from '../system/weights/weight-tools.ts';
import type { WorkerRole } from './worker-settings.ts';

/** Wires the steps a worker of this role runs. A control worker runs none: workflows only. */
export async function createSteps(role: WorkerRole, environment: Environment, home: string): Promise<object> {
  if (role === 'control') return {};
  const root = join(home, 'store');
  await reapScratch(join(root, 'scratch'));
  const store = createFolderStore(root);
  const toolchain = createToolchains(environment, home);
  const weights = createWeightTools(environment.weightsExecutable);
  const deps: StepDeps = {
    store,
    runStep: createRunStep({ store, identities: identitiesOf(toolchain, describeHost()), weights }),
    aliases: new AliasBook(root),
    sourceFor: createSources(environment, home),
    weights,
    toolchain,
  };
  return role === 'cpu' ? createCpuSteps(deps) : createEngineSteps(deps);
}
