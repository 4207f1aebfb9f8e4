import { compareWeights } from '../activities/compare-weights/contract.ts';
import { convertWeights } from '../activities/convert-weights/contract.ts';
import { fetchModel } from '../activities/fetch-model/contract.ts';
import { mergeAdapters, type WeightsRef } from '../activities/merge-adapters/contract.ts';
import { resolveSource } from '../activities/resolve-source/contract.ts';
import type { ArtifactRef } from '../core/domain/artifact.ts';
import type { JsonObject } from '../core/domain/json.ts';
import type { AdapterPlan, Plan, SourcePlan } from '../core/domain/plan.ts';
import { cpuQueue } from '../core/domain/queues.ts';
import { sourceLabel } from '../core/domain/source-label.ts';
import type { Story, StepPlace } from './story.ts';

export interface PreparedModel {
  readonly model: WeightsRef | ArtifactRef<'model'>;
  /** Adapters the recipe keeps for run time. */
  readonly runTimeAdapters: readonly PreparedAdapter[];
  /** Repositories, commits and digests: the report's and the release's provenance. */
  readonly sources: JsonObject;
}

export interface PreparedAdapter {
  readonly weights: WeightsRef;
  readonly weight: number;
  readonly label: string;
}

interface Prepared {
  readonly weights: WeightsRef;
  readonly facts: JsonObject;
}

const onCpu = (id: string): StepPlace => ({ id, queue: cpuQueue });

/** The prefix all variants share: every source resolved, fetched and made safetensors, then the adapters merged. */
export async function prepareModel(story: Story, plan: Plan): Promise<PreparedModel> {
  const [base, ...adapters] = await Promise.all([
    prepareSource(story, plan.model, 'model'),
    ...plan.adapters.map(({ source }, index) => prepareSource(story, source, `adapter-${index + 1}`)),
  ]);
  const prepared = plan.adapters.map((adapter, index) => preparedAdapter(adapter, adapters[index]!));
  const merged = prepared.filter((_, index) => plan.adapters[index]!.merge);
  const model = merged.length === 0 ? base.weights : await merge(story, base.weights, merged, plan.rounding);
  return {
    model,
    runTimeAdapters: prepared.filter((_, index) => !plan.adapters[index]!.merge),
    sources: { model: base.facts, adapters: adapters.map(({ facts }) => facts) },
  };
}

async function prepareSource(story: Story, source: SourcePlan, id: string): Promise<Prepared> {
  const label = sourceLabel(source);
  const listing = await story.step(resolveSource, { source }, onCpu(`resolve-source/${id}`));
  const fetched = await story.step(fetchModel, { source, listing: listing.artifact }, onCpu(`fetch-model/${id}`));
  const facts = { source: label, commit: listing.facts['commit'] ?? null, digest: fetched.artifact.digest };
  if (fetched.facts['format'] !== 'bin') return { weights: fetched.artifact, facts };
  const snapshot = fetched.artifact;
  const converted = await story.step(convertWeights, { snapshot, format: 'safetensors', label }, onCpu(`convert-weights/${id}`));
  const proof = { before: snapshot, after: converted.artifact, label };
  await story.step(compareWeights, proof, onCpu(`compare-weights/${id}`));
  return { weights: converted.artifact, facts };
}

function preparedAdapter({ weight, source }: AdapterPlan, { weights }: Prepared): PreparedAdapter {
  return { weights, weight, label: sourceLabel(source) };
}

async function merge(story: Story, base: WeightsRef, adapters: readonly PreparedAdapter[], rounding: Plan['rounding']) {
  const merged = await story.step(mergeAdapters, { base, adapters, rounding }, onCpu('merge-adapters'));
  return merged.artifact;
}
