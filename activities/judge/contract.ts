import type { ArtifactRef } from '../../core/domain/artifact.ts';
import type { JsonObject } from '../../core/domain/json.ts';
import type { GatePlan } from '../../core/domain/plan.ts';
import type { Verdict } from '../../core/domain/run-result.ts';
import { defineStep, type StepResult } from '../../core/domain/step.ts';

/** What became of one variant; a failed one stays in the report. */
export interface VariantOutcome {
  readonly name: string;
  readonly label: string;
  readonly toolchain: string;
  readonly quantized: ArtifactRef<'quantized'> | null;
  readonly engine: ArtifactRef<'engine'> | null;
  readonly trial: ArtifactRef<'trial'> | null;
  readonly scores: readonly ArtifactRef<'scores'>[];
  readonly measurement: ArtifactRef<'measurement'> | null;
  readonly failure: { readonly name: string; readonly message: string } | null;
}

export interface JudgeInput {
  readonly recipe: string;
  readonly baseline: string;
  readonly variants: readonly VariantOutcome[];
  readonly gates: readonly GatePlan[];
  /** The merged model and the proof of the merge; null when nothing was merged. */
  readonly merged: ArtifactRef<'model'> | null;
  readonly proof: ArtifactRef<'proof'> | null;
  /** Digests and commits of what went in, for the report's provenance. */
  readonly sources: JsonObject;
}

/** Facts of a report: what a run answers with, without opening it. */
export type JudgeFacts = {
  readonly verdict: Verdict;
  readonly headline: string;
  readonly variants: { readonly [name: string]: Verdict };
  /** The table of the report, as texts. */
  readonly table: { readonly columns: readonly string[]; readonly rows: readonly (readonly string[])[] };
};

export const judge = defineStep({
  name: 'judge',
  version: 4,
  produces: 'report',
  worker: 'cpu',
  startToCloseTimeout: '30 minutes',
  stallTimeoutMs: 600_000,
  dependsOn: { toolchain: false, machine: 'none' },
  key: ({ recipe, baseline, variants, gates, merged, proof, sources }: JudgeInput) => ({
    inputs: {
      ...Object.fromEntries(variants.flatMap(artifactsOf)),
      ...(merged === null ? {} : { merged: merged.digest }),
      ...(proof === null ? {} : { proof: proof.digest }),
    },
    parameters: {
      recipe,
      baseline,
      gates: gates.map((gate) => ({ ...gate })),
      sources,
      variants: variants.map(({ name, label, toolchain, failure }) => [
        name,
        label,
        toolchain,
        failure === null ? null : { ...failure },
      ]),
    },
  }),
  summary: ({ variants, gates }) => `judge ${variants.length} variants by ${gates.length} gates`,
});

/** The step writes `JudgeFacts` and nothing else; Temporal and the store carry them as JSON. */
export function judgeFacts({ facts }: StepResult<'report'>): JudgeFacts {
  return facts as JudgeFacts;
}

function artifactsOf(variant: VariantOutcome) {
  const refs = [
    ['quantized', variant.quantized],
    ['engine', variant.engine],
    ['trial', variant.trial],
    ['measurement', variant.measurement],
    ...variant.scores.map((ref, index) => [`scores ${index + 1}`, ref] as const),
  ] as const;
  return refs.flatMap(([role, ref]) =>
    ref === null ? [] : [[`${variant.name} ${role}`, ref.digest] as const],
  );
}
