import type { ArtifactRef } from '../../core/domain/artifact.ts';
import { defineStep } from '../../core/domain/step.ts';
import type { SourcePlan } from '../../core/domain/plan.ts';
import { sourceLabel } from '../../core/domain/source-label.ts';

export interface FetchModelInput {
  readonly source: SourcePlan;
  /** The files to fetch, fixed at one commit. */
  readonly listing: ArtifactRef<'listing'>;
}

export const fetchModel = defineStep({
  name: 'fetch-model',
  version: 1,
  produces: 'snapshot',
  worker: 'cpu',
  startToCloseTimeout: '24 hours',
  stallTimeoutMs: 300_000,
  dependsOn: { toolchain: false, machine: 'none' },
  key: ({ listing }: FetchModelInput) => ({ inputs: { listing: listing.digest }, parameters: {} }),
  summary: ({ source }) => `fetch ${sourceLabel(source)}`,
});
