import type { ArtifactRef } from '../../core/domain/artifact.ts';
import { defineStep } from '../../core/domain/step.ts';

export interface ConvertWeightsInput {
  readonly snapshot: ArtifactRef<'snapshot'>;
  readonly format: 'safetensors' | 'bin';
  readonly label: string;
}

export const convertWeights = defineStep({
  name: 'convert-weights',
  version: 2,
  produces: 'weights',
  worker: 'cpu',
  startToCloseTimeout: '6 hours',
  stallTimeoutMs: 600_000,
  dependsOn: { toolchain: false, machine: 'none' },
  key: ({ snapshot, format }: ConvertWeightsInput) => ({
    inputs: { snapshot: snapshot.digest },
    parameters: { format },
  }),
  summary: ({ label, format }) => `convert ${label} to ${format}`,
});
