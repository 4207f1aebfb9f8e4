import type { ArtifactRef } from '../../core/domain/artifact.ts';
import { defineStep } from '../../core/domain/step.ts';

export interface CompareWeightsInput {
  readonly before: ArtifactRef<'snapshot'>;
  readonly after: ArtifactRef<'weights'>;
  readonly label: string;
}

export const compareWeights = defineStep({
  name: 'compare-weights',
  version: 2,
  produces: 'comparison',
  worker: 'cpu',
  startToCloseTimeout: '6 hours',
  stallTimeoutMs: 600_000,
  dependsOn: { toolchain: false, machine: 'none' },
  key: ({ before, after }: CompareWeightsInput) => ({
    inputs: { before: before.digest, after: after.digest },
    parameters: {},
  }),
  summary: ({ label }) => `prove the converted ${label} equal`,
});
