import type { ArtifactRef } from '../../core/domain/artifact.ts';
import type { JsonObject } from '../../core/domain/json.ts';
import { defineStep } from '../../core/domain/step.ts';

export interface ConvertCheckpointInput {
  readonly model:
    | ArtifactRef<'snapshot'>
    | ArtifactRef<'weights'>
    | ArtifactRef<'model'>
    | ArtifactRef<'quantized'>;
  readonly toolchain: string;
  readonly parameters: JsonObject;
  /** The quantization the model has already, in words. */
  readonly label: string | null;
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
    inputs: { model },
    parameters: { ...parameters, toolchain },
  }),
  summary: describeCheckpoint,
});

export function describeCheckpoint({
  toolchain,
  parameters: { type },
  label,
}: Pick<ConvertCheckpointInput, 'toolchain' | 'parameters' | 'label'>): string {
  if (label !== null) return `write the ${toolchain} checkpoint: ${label}`;
  return `write the ${toolchain} checkpoint${typeof type === 'string' ? ` (${type})` : ''}`;
}
