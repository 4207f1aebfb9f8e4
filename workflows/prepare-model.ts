import { compareWeights } from '../activities/compare-weights/contract.ts';
import { convertWeights } from '../activities/convert-weights/contract.ts';
import { fetchModel } from '../activities/fetch-model/contract.ts';
import {
  mergeAdapters,
  type MergeAdaptersInput,
  type WeightsRef,
} from '../activities/merge-adapters/contract.ts';
import { proveMerge } from '../activities/prove-merge/contract.ts';
import { resolveSource } from '../activities/resolve-source/contract.ts';
import type { ArtifactRef } from '../core/domain/artifact.ts';
import type { JsonObject } from '../core/domain/json.ts';
import type { Plan, SourcePlan } from '../core/domain/plan.ts';
import { cpuQueue } from '../core/domain/queues.ts';
import { sourceLabel, sourceName } from '../core/domain/source-label.ts';
import type { Story, StepPlace } from './story.ts';

export interface PreparedModel {
  readonly model: WeightsRef | ArtifactRef<'model'>;
  /** The merged model, and that it says what base and adapters say; null when nothing was merged. */
  readonly merged: ArtifactRef<'model'> | null;
  readonly proof: ArtifactRef<'proof'> | null;
  /** Adapters the recipe keeps for run time. */
  readonly runTimeAdapters: readonly PreparedAdapter[];
  /** Repositories, commits and digests: the report's and the release's provenance. */
  readonly sources: JsonObject;
}

export interface PreparedAdapter {
  readonly weights: WeightsRef;
  readonly weight: number;
  readonly merge: boolean;
  readonly label: string;
  readonly facts: JsonObject;
}

interface Prepared {
  readonly weights: WeightsRef;
  readonly facts: JsonObject;
}

const onCpu = (id: string): StepPlace => ({ id, queue: cpuQueue });

/** The prefix all variants share: every source resolved, fetched and made safetensors, then the adapters merged. */
export async function prepareModel(story: Story, plan: Plan): Promise<PreparedModel> {
  const preparing = plan.adapters.map(async ({ source, weight, merge }, index): Promise<PreparedAdapter> => {
    const { weights, facts } = await prepareSource(story, source, `adapter-${index + 1}`);
    return { weights, weight, merge, label: sourceLabel(source), facts };
  });
  const [base, adapters] = await Promise.all([
    prepareSource(story, plan.model, 'model'),
    Promise.all(preparing),
  ]);
  const merged = adapters.filter(({ merge }) => merge);
  const { rounding, newRows, anyBase = false } = plan;
  const baseName = sourceName(plan.model);
  const request = { base: base.weights, baseName, adapters: merged.map(toMerge), rounding, newRows, anyBase };
  const done = merged.length === 0 ? null : await mergeAndProve(story, plan, request);
  return {
    model: done?.model ?? base.weights,
    merged: done?.model ?? null,
    proof: done?.proof ?? null,
    runTimeAdapters: adapters.filter(({ merge }) => !merge),
    sources: { model: base.facts, adapters: adapters.map(({ facts }) => facts) },
  };
}

async function prepareSource(story: Story, source: SourcePlan, id: string): Promise<Prepared> {
  const label = sourceLabel(source);
  const listing = await story.step(resolveSource, { source }, onCpu(`resolve-source/${id}`));
  const fetched = await story.step(
    fetchModel,
    { source, listing: listing.artifact },
    onCpu(`fetch-model/${id}`),
  );
  const facts = { source: label, commit: listing.facts['commit'] ?? null, digest: fetched.artifact.digest };
  if (fetched.facts['format'] !== 'bin') return { weights: fetched.artifact, facts };
  const snapshot = fetched.artifact;
  const converted = await story.step(
    convertWeights,
    { snapshot, format: 'safetensors', label },
    onCpu(`convert-weights/${id}`),
  );
  const proof = { before: snapshot, after: converted.artifact, label };
  await story.step(compareWeights, proof, onCpu(`compare-weights/${id}`));
  return { weights: converted.artifact, facts };
}

function toMerge({ weights, weight, label }: PreparedAdapter): MergeAdaptersInput['adapters'][number] {
  return { weights, weight, label };
}

/** Nothing is built from a merged model before it has been held against its base with the adapters at run time. */
async function mergeAndProve(story: Story, plan: Plan, request: MergeAdaptersInput) {
  const { artifact: model } = await story.step(mergeAdapters, request, onCpu('merge-adapters'));
  const variant = plan.variants.find(({ name }) => name === plan.baseline);
  if (variant === undefined) return { model, proof: null };
  const { toolchain, queue } = variant;
  const texts = plan.trial.prompts.map(({ text }) => text);
  const { base, adapters } = request;
  const proving = { base, adapters, model, toolchain, texts };
  const { artifact: proof } = await story.step(proveMerge, proving, { id: 'prove-merge', queue });
  return { model, proof };
}
