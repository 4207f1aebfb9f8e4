import type { ArtifactRef } from '../../core/domain/artifact.ts';
import { defineStep } from '../../core/domain/step.ts';
import type { Plan } from '../../core/domain/plan.ts';

export type WeightsRef = ArtifactRef<'snapshot'> | ArtifactRef<'weights'>;

export interface MergeAdaptersInput {
  readonly base: WeightsRef;
  /** The base's repository, or its folder's name without the path. */
  readonly baseName?: string;
  /** Merged in this order. */
  readonly adapters: readonly {
    readonly weights: WeightsRef;
    readonly weight: number;
    readonly label: string;
  }[];
  readonly rounding: Plan['rounding'];
  readonly newRows: Plan['newRows'];
  readonly anyBase?: boolean;
}

export const mergeAdapters = defineStep({
  name: 'merge-adapters',
  version: 3,
  produces: 'model',
  worker: 'cpu',
  startToCloseTimeout: '6 hours',
  stallTimeoutMs: 600_000,
  dependsOn: { toolchain: false, machine: 'none' },
  key: ({ base, baseName = '', adapters, rounding, newRows, anyBase = false }: MergeAdaptersInput) => ({
    inputs: {
      base,
      ...Object.fromEntries(adapters.map(({ weights }, index) => [`adapter ${index + 1}`, weights])),
    },
    parameters: {
      rounding,
      newRows,
      anyBase,
      // Adapters of another base are refused by its name.
      baseName,
      weights: adapters.map(({ weight }) => weight),
    },
  }),
  summary: ({ adapters }) => `merge ${adapters.map(({ label }) => label).join(', then ')}`,
});
