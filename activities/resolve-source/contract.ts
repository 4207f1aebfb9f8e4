import { defineStep } from '../../core/domain/step.ts';
import type { SourcePlan } from '../../core/domain/plan.ts';
import { sourceLabel } from '../../core/domain/source-label.ts';

export interface ResolveSourceInput {
  readonly source: SourcePlan;
  /** Filled in by the activity once the hub has answered: a revision moves, a commit does not. */
  readonly commit?: string;
}

export const resolveSource = defineStep({
  name: 'resolve-source',
  version: 1,
  produces: 'listing',
  worker: 'cpu',
  startToCloseTimeout: '10 minutes',
  stallTimeoutMs: 120_000,
  dependsOn: { toolchain: false, machine: 'none' },
  key: ({ source, commit }: ResolveSourceInput) => ({
    inputs: {},
    parameters: {
      from: source.kind === 'hub' ? source.repository : 'folder',
      commit: commit ?? '',
      ...(source.files === undefined ? {} : { files: { ...source.files } }),
    },
  }),
  summary: ({ source }) => `resolve ${sourceLabel(source)}`,
});
