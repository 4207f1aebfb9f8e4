import type { ArtifactRef } from '../../core/domain/artifact.ts';
import type { JsonObject } from '../../core/domain/json.ts';
import { defineStep } from '../../core/domain/step.ts';

export interface BuildEngineInput {
  readonly checkpoint: ArtifactRef<'checkpoint'>;
  /** Applied at run time, in order; part of the engine's folder. */
  readonly adapters: readonly { readonly checkpoint: ArtifactRef<'checkpoint'>; readonly weight: number }[];
  readonly toolchain: string;
  readonly parameters: JsonObject;
  readonly label: string;
}

export const buildEngine = defineStep({
  name: 'build-engine',
  version: 1,
  produces: 'engine',
  worker: 'engine',
  startToCloseTimeout: '12 hours',
  stallTimeoutMs: 1_800_000,
  dependsOn: { toolchain: true, machine: 'none' },
  key: ({ checkpoint, adapters, toolchain, parameters }: BuildEngineInput) => ({
    inputs: {
      checkpoint: checkpoint.digest,
      ...Object.fromEntries(
        adapters.map((adapter, index) => [`adapter ${index + 1}`, adapter.checkpoint.digest]),
      ),
    },
    parameters: { ...parameters, toolchain, weights: adapters.map(({ weight }) => weight) },
  }),
  summary: ({ label, toolchain }) => `build and verify: ${label} (${toolchain})`,
});
