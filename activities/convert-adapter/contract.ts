import type { ArtifactRef } from '../../core/domain/artifact.ts';
import { defineStep } from '../../core/domain/step.ts';

export interface ConvertAdapterInput {
  readonly adapter: ArtifactRef<'snapshot'> | ArtifactRef<'weights'>;
  /** The base model: its shapes decide how the adapter's matrices are laid out. */
  readonly base: ArtifactRef<'snapshot'> | ArtifactRef<'weights'> | ArtifactRef<'model'>;
  readonly toolchain: string;
  readonly label: string;
}

export const convertAdapter = defineStep({
  name: 'convert-adapter',
  version: 1,
  produces: 'checkpoint',
  worker: 'engine',
  startToCloseTimeout: '1 hours',
  stallTimeoutMs: 600_000,
  dependsOn: { toolchain: true, machine: 'none' },
  key: ({ adapter, base, toolchain }: ConvertAdapterInput) => ({
    inputs: { adapter, base },
    parameters: { toolchain },
  }),
  summary: ({ toolchain, label }) => `write ${label} as a run-time adapter for ${toolchain}`,
});
