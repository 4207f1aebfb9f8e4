import type { ArtifactRef } from '../../core/domain/artifact.ts';
import type { JsonObject } from '../../core/domain/json.ts';
import { defineStep } from '../../core/domain/step.ts';

export interface QuantizeInput {
  readonly model: ArtifactRef<'snapshot'> | ArtifactRef<'weights'> | ArtifactRef<'model'>;
  /** Only for calibrated methods. */
  readonly statistics: ArtifactRef<'statistics'> | null;
  /** Method and grid, as the toolchain's table spells them. */
  readonly parameters: JsonObject;
  readonly label: string;
}

export const quantize = defineStep({
  name: 'quantize',
  version: 3,
  produces: 'quantized',
  worker: 'cpu',
  startToCloseTimeout: '12 hours',
  stallTimeoutMs: 1_800_000,
  dependsOn: { toolchain: false, machine: 'none' },
  key: ({ model, statistics, parameters }: QuantizeInput) => ({
    inputs: {
      model,
      ...(statistics === null ? {} : { statistics: statistics.digest }),
    },
    parameters,
  }),
  summary: ({ label }) => `quantize: ${label}`,
});
