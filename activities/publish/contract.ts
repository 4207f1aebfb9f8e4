import type { ArtifactRef } from '../../core/domain/artifact.ts';
import type { JsonObject } from '../../core/domain/json.ts';
import type { PublishPlan } from '../../core/domain/plan.ts';
import { defineStep } from '../../core/domain/step.ts';

export interface PublishInput {
  readonly report: ArtifactRef<'report'>;
  readonly engines: readonly { readonly variant: string; readonly engine: ArtifactRef<'engine'> }[];
  readonly choose: PublishPlan['choose'];
  readonly recipe: string;
  readonly sources: JsonObject;
}

export const publish = defineStep({
  name: 'publish',
  version: 1,
  produces: 'release',
  worker: 'cpu',
  startToCloseTimeout: '30 minutes',
  stallTimeoutMs: 600_000,
  dependsOn: { toolchain: false, machine: 'none' },
  key: ({ report, engines, choose, recipe, sources }: PublishInput) => ({
    inputs: {
      report: report.digest,
      ...Object.fromEntries(engines.map(({ variant, engine }) => [`${variant} engine`, engine.digest])),
    },
    parameters: { choose, recipe, sources },
  }),
  summary: ({ recipe, choose }) =>
    `publish ${recipe}: ${typeof choose === 'string' ? `the ${choose} variant that passed` : choose.variant}`,
});
