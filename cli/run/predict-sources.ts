import { compareWeights } from '../../activities/compare-weights/contract.ts';
import { convertWeights } from '../../activities/convert-weights/contract.ts';
import { fetchModel } from '../../activities/fetch-model/contract.ts';
import { mergeAdapters, type WeightsRef } from '../../activities/merge-adapters/contract.ts';
import { describeProof, proveMerge, type ProveMergeInput } from '../../activities/prove-merge/contract.ts';
import type { ArtifactRef } from '../../core/domain/artifact.ts';
import type { JsonObject } from '../../core/domain/json.ts';
import type { Plan, SourcePlan } from '../../core/domain/plan.ts';
import { sourceLabel, sourceName } from '../../core/domain/source-label.ts';
import type { Predictions } from './predictions.ts';

/** Facts as the report's provenance has them; they matter only once everything is fetched. */
export interface PredictedSource {
  readonly weights: WeightsRef | null;
  readonly facts: JsonObject;
}

export async function predictSource(book: Predictions, source: SourcePlan): Promise<PredictedSource> {
  const label = sourceLabel(source);
  const { commit, made } = await book.foresight.listing(source);
  const status = made === null ? 'will run' : 'cached';
  const why = made === null ? `commit ${commit.slice(0, 12)} is new here` : '';
  book.note({
    step: 'resolve-source',
    variant: null,
    summary: `resolve ${label} (${commit.slice(0, 12)})`,
    worker: 'cpu',
    status,
    why,
  });
  const fetched = await book.ask(fetchModel, made && { source, listing: made.artifact }, {
    summary: `fetch ${label}`,
  });
  if (fetched === null) {
    book.note({
      step: 'convert-weights',
      variant: null,
      summary: `convert ${label}`,
      worker: 'cpu',
      status: 'if needed',
      why: 'only when it is a .bin',
    });
    return { weights: null, facts: {} };
  }
  const facts = { source: label, commit, digest: fetched.artifact.digest };
  if (fetched.facts['format'] !== 'bin') return { weights: fetched.artifact, facts };
  const input = { snapshot: fetched.artifact, format: 'safetensors', label } as const;
  const converted = await book.ask(convertWeights, input, { summary: convertWeights.summary(input) });
  const proof = converted && { before: fetched.artifact, after: converted.artifact, label };
  await book.ask(compareWeights, proof, { summary: `prove the converted ${label} equal` });
  return { weights: converted?.artifact ?? null, facts };
}

export interface PredictedModel {
  /** What the variants are made from. */
  readonly model: WeightsRef | ArtifactRef<'model'> | null;
  /** Null when nothing is merged, or still to be. */
  readonly merged: ArtifactRef<'model'> | null;
  readonly proof: ArtifactRef<'proof'> | null;
}

interface Sources {
  readonly model: WeightsRef | null;
  readonly adapters: readonly (WeightsRef | null)[];
}

export async function predictMerge(
  book: Predictions,
  plan: Plan,
  { model, adapters }: Sources,
): Promise<PredictedModel> {
  const chosen = plan.adapters
    .map((adapter, index) => ({ ...adapter, weights: adapters[index] ?? null }))
    .filter(({ merge }) => merge);
  if (chosen.length === 0) return { model, merged: null, proof: null };
  const labelled = chosen.map(({ weights, weight, source }) => ({
    weights,
    weight,
    label: sourceLabel(source),
  }));
  const known = labelled.filter(
    (adapter): adapter is typeof adapter & { weights: WeightsRef } => adapter.weights !== null,
  );
  const input =
    model === null || known.length < labelled.length
      ? null
      : {
          base: model,
          baseName: sourceName(plan.model),
          adapters: known,
          rounding: plan.rounding,
          newRows: plan.newRows,
          anyBase: plan.anyBase ?? false,
        };
  const merged = await book.ask(mergeAdapters, input, {
    summary: `merge ${labelled.map(({ label }) => label).join(', then ')}`,
  });
  const proof = await predictProof(book, plan, input && merged && { ...input, model: merged.artifact });
  const made = merged?.artifact ?? null;
  return { model: made, merged: made, proof };
}

/** Null while it is still to be made. */
async function predictProof(
  book: Predictions,
  { baseline, variants, trial, adapters }: Plan,
  merge: Pick<ProveMergeInput, 'base' | 'adapters' | 'model'> | null,
): Promise<ArtifactRef<'proof'> | null> {
  const variant = variants.find(({ name }) => name === baseline);
  if (variant === undefined) return null;
  const texts = trial.prompts.map(({ text }) => text);
  const input = merge && {
    base: merge.base,
    adapters: merge.adapters,
    model: merge.model,
    toolchain: variant.toolchain,
    texts,
  };
  const merged = adapters.filter((adapter) => adapter.merge).length;
  const proof = await book.ask(proveMerge, input, { summary: describeProof(merged, texts.length) });
  return proof?.artifact ?? null;
}
