import type { ArtifactRef } from '../../core/domain/artifact.ts';
import { defineStep } from '../../core/domain/step.ts';

type WeightsRef = ArtifactRef<'snapshot'> | ArtifactRef<'weights'>;

export interface ProveMergeInput {
  readonly base: WeightsRef;
  /** Merged in this order. */
  readonly adapters: readonly {
    readonly weights: WeightsRef;
    readonly weight: number;
    readonly label: string;
  }[];
  readonly model: ArtifactRef<'model'>;
  readonly toolchain: string;
  /** Texts whose logits are compared at every position. */
  readonly texts: readonly string[];
}

export const proveMerge = defineStep({
  name: 'prove-merge',
  version: 1,
  produces: 'proof',
  worker: 'engine',
  startToCloseTimeout: '6 hours',
  stallTimeoutMs: 600_000,
  dependsOn: { toolchain: true, machine: 'cpu' },
  key: ({ base, adapters, model, toolchain, texts }: ProveMergeInput) => ({
    inputs: {
      base,
      model,
      ...Object.fromEntries(adapters.map(({ weights }, index) => [`adapter ${index + 1}`, weights])),
    },
    parameters: { toolchain, texts, weights: adapters.map(({ weight }) => weight) },
  }),
  summary: ({ adapters, texts }) => describeProof(adapters.length, texts.length),
});

export function describeProof(adapters: number, texts: number): string {
  const what = adapters === 1 ? 'the adapter' : `the ${adapters} adapters`;
  return `prove the merge: logits against base and ${what} at run time, ${texts} prompts`;
}
