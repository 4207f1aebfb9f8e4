import type { ArtifactRef } from '../../core/domain/artifact.ts';
import { defineStep } from '../../core/domain/step.ts';
import type { TrialPlan } from '../../core/domain/plan.ts';

export interface TryEngineInput {
  readonly engine: ArtifactRef<'engine'>;
  readonly toolchain: string;
  readonly trial: TrialPlan;
}

export const tryEngine = defineStep({
  name: 'try-engine',
  version: 1,
  produces: 'trial',
  worker: 'engine',
  startToCloseTimeout: '1 hours',
  stallTimeoutMs: 600_000,
  dependsOn: { toolchain: true, machine: 'cpu' },
  key: ({ engine, toolchain, trial }: TryEngineInput) => ({
    inputs: { engine: engine.digest },
    parameters: {
      toolchain,
      prompts: trial.prompts.map(({ id, text }) => [id, text]),
      maxNewTokens: trial.maxNewTokens,
    },
  }),
  summary: ({ trial }) => `try ${trial.prompts.length} prompts`,
});
