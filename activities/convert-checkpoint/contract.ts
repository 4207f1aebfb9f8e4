import type { ArtifactRef } from '../../core/domain/artifact.ts';
import type { JsonObject } from '../../core/domain/json.ts';
import { defineStep } from '../../core/domain/step.ts';

export interface ConvertCheckpointInput {
  readonly model: ArtifactRef<'snapshot'> | ArtifactRef<'weights'> | ArtifactRef<'model'>;
  readonly toolchain: string;
  readonly parameters: JsonObject;
}

export const convertCheckpoint = defineStep({
  name: 'convert-checkpoint',
  version: 1,
  produces: 'checkpoint',
  worker: 'engine',
  startToCloseTimeout: '6 hours',
  stallTimeoutMs: 600_000,
  dependsOn: { toolchain: true, machine: 'none' },
  key: ({ model, toolchain, parameters }: ConvertCheckpointInput) => ({
    inputs: { model: model.digest },
    parameters: { ...parameters, toolchain },
  }),
  summary: describeCheckpoint,
});

export function describeCheckpoint({
  toolchain,
  parameters: { type },
}: Pick<ConvertCheckpointInput, 'toolchain' | 'parameters'>): string {
  return `write the ${toolchain} checkpoint${typeof type === 'string' ? ` (${type})` : ''}`;
}
