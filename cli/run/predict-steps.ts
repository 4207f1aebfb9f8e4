import { buildEngine } from '../../activities/build-engine/contract.ts';
import { compareWeights } from '../../activities/compare-weights/contract.ts';
import { convertAdapter } from '../../activities/convert-adapter/contract.ts';
import { convertCheckpoint, describeCheckpoint } from '../../activities/convert-checkpoint/contract.ts';
import { convertWeights } from '../../activities/convert-weights/contract.ts';
import { fetchModel } from '../../activities/fetch-model/contract.ts';
import { describeBenchmark, measureEngine } from '../../activities/measure-engine/contract.ts';
import { mergeAdapters, type WeightsRef } from '../../activities/merge-adapters/contract.ts';
import type { VariantOutcome } from '../../activities/judge/contract.ts';
import { describeEvaluation, scoreEngine } from '../../activities/score-engine/contract.ts';
import { tryEngine } from '../../activities/try-engine/contract.ts';
import type { ArtifactKind, ArtifactRef } from '../../core/domain/artifact.ts';
import type { JsonObject } from '../../core/domain/json.ts';
import type { Plan, SourcePlan, VariantPlan } from '../../core/domain/plan.ts';
import { sourceLabel } from '../../core/domain/source-label.ts';
import type { StepContract, StepResult } from '../../core/domain/step.ts';
import { predictJudging } from './predict-judging.ts';

export interface PredictedStep {
  readonly step: string;
  readonly variant: string | null;
  readonly summary: string;
  readonly worker: string;
  readonly status: 'cached' | 'will run' | 'if needed';
  /** Why it will run. */
  readonly why: string;
}

/** The two questions a prediction asks the world. */
export interface Foresight {
  /** The listing of a source at its present commit; null when the listing is not in the store yet. */
  listing(
    source: SourcePlan,
  ): Promise<{ readonly commit: string; readonly made: StepResult<'listing'> | null }>;
  /** What the store has for a step. */
  lookup<Input, Kind extends ArtifactKind>(
    contract: StepContract<string, Input, Kind>,
    input: Input,
  ): Promise<StepResult<Kind> | null>;
}

type Known<K extends ArtifactKind> = StepResult<K> | null;

/**
 * What `runRecipe` would do now, step by step, without doing it. A step whose input is not made yet will run: its
 * key cannot be known before.
 */
export async function predictSteps(plan: Plan, foresight: Foresight): Promise<PredictedStep[]> {
  const book = new Predictions(foresight);
  const base = await predictSource(book, plan.model);
  const prepared: PredictedSource[] = [];
  for (const { source } of plan.adapters) prepared.push(await predictSource(book, source));
  const [model, adapters] = [base.weights, prepared.map(({ weights }) => weights)];
  const merged = await predictMerge(book, plan, { model, adapters });
  const baseline = plan.variants.find(({ name }) => name === plan.baseline);
  const rest = plan.variants.filter((variant) => variant !== baseline);
  const outcomes = new Map<string, VariantOutcome | null>();
  let engineOfBaseline: ArtifactRef<'engine'> | null = null;
  for (const variant of baseline === undefined ? rest : [baseline, ...rest]) {
    const scene = { variant, merged, adapters, baseline: engineOfBaseline };
    const { engine, outcome } = await predictVariant(book, plan, scene);
    if (variant === baseline) engineOfBaseline = engine;
    outcomes.set(variant.name, outcome);
  }
  const sources = { model: base.facts, adapters: prepared.map(({ facts }) => facts) };
  await predictJudging(book, plan, { outcomes, sources });
  return book.steps;
}

/** Collects predictions; `ask` passes null on where an input is unknown. */
export class Predictions {
  readonly steps: PredictedStep[] = [];
  readonly foresight: Foresight;
  readonly #seen = new Set<string>();

  constructor(foresight: Foresight) {
    this.foresight = foresight;
  }

  async ask<Input, Kind extends ArtifactKind>(
    contract: StepContract<string, Input, Kind>,
    input: Input | null,
    { variant = null, summary }: { readonly variant?: string | null; readonly summary: string },
  ): Promise<Known<Kind>> {
    const found = input === null ? null : await this.foresight.lookup(contract, input);
    const why =
      found !== null ? '' : input === null ? 'its input is not made yet' : 'nothing in the store has its key';
    this.note({
      step: contract.name,
      variant,
      summary,
      worker: contract.worker,
      status: found === null ? 'will run' : 'cached',
      why,
    });
    return found;
  }

  note(step: PredictedStep): void {
    // Variants share a checkpoint: it is listed once.
    const id = `${step.step} ${step.variant ?? ''} ${step.summary}`;
    if (!this.#seen.has(id)) this.steps.push(step);
    this.#seen.add(id);
  }
}

/** Facts as the report's provenance has them; they matter only once everything is fetched. */
interface PredictedSource {
  readonly weights: WeightsRef | null;
  readonly facts: JsonObject;
}

async function predictSource(book: Predictions, source: SourcePlan): Promise<PredictedSource> {
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

interface Sources {
  readonly model: WeightsRef | null;
  readonly adapters: readonly (WeightsRef | null)[];
}

async function predictMerge(
  book: Predictions,
  plan: Plan,
  { model, adapters }: Sources,
): Promise<WeightsRef | ArtifactRef<'model'> | null> {
  const chosen = plan.adapters
    .map((adapter, index) => ({ ...adapter, weights: adapters[index] ?? null }))
    .filter(({ merge }) => merge);
  if (chosen.length === 0) return model;
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
      : { base: model, adapters: known, rounding: plan.rounding };
  const merged = await book.ask(mergeAdapters, input, {
    summary: `merge ${labelled.map(({ label }) => label).join(', then ')}`,
  });
  return merged?.artifact ?? null;
}

interface VariantScene {
  readonly variant: VariantPlan;
  readonly merged: WeightsRef | ArtifactRef<'model'> | null;
  readonly adapters: readonly (WeightsRef | null)[];
  readonly baseline: ArtifactRef<'engine'> | null;
}

interface PredictedVariant {
  readonly engine: ArtifactRef<'engine'> | null;
  /** Null while a step of it is still to run. */
  readonly outcome: VariantOutcome | null;
}

async function predictVariant(book: Predictions, plan: Plan, scene: VariantScene): Promise<PredictedVariant> {
  const { toolchain, name, label } = scene.variant;
  const engine = await predictEngine(book, plan, scene);
  const tried = await book.ask(tryEngine, engine && { engine, toolchain, trial: plan.trial }, {
    variant: name,
    summary: `try ${plan.trial.prompts.length} prompts`,
  });
  const scored = await predictScores(book, plan, { ...scene, engine });
  const measured = await predictMeasurement(book, plan, { ...scene, engine });
  const scores = scored.flatMap((result) => (result === null ? [] : [result.artifact]));
  const isKnown = scores.length === scored.length && measured !== null;
  if (engine === null || tried === null || !isKnown) return { engine, outcome: null };
  const [trial, { measurement }] = [tried.artifact, measured];
  return { engine, outcome: { name, label, toolchain, engine, trial, scores, measurement, failure: null } };
}

async function predictEngine(
  book: Predictions,
  plan: Plan,
  scene: VariantScene,
): Promise<ArtifactRef<'engine'> | null> {
  const { variant, merged } = scene;
  const { toolchain, checkpoint: parameters, name, label } = variant;
  const conversion = merged && { model: merged, toolchain, parameters };
  const checkpoint = await book.ask(convertCheckpoint, conversion, {
    summary: describeCheckpoint({ toolchain, parameters }),
  });
  const adapters = await predictAdapters(book, plan, scene);
  const build = checkpoint &&
    adapters && { checkpoint: checkpoint.artifact, adapters, toolchain, parameters: variant.build, label };
  const built = await book.ask(buildEngine, build, { variant: name, summary: `build and verify: ${label}` });
  return built?.artifact ?? null;
}

type EngineScene = VariantScene & { readonly engine: ArtifactRef<'engine'> | null };

/** Null while it is still to run; a recipe without a benchmark has none to wait for. */
async function predictMeasurement(
  book: Predictions,
  { benchmark }: Plan,
  { variant: { toolchain, name }, engine }: EngineScene,
): Promise<Pick<VariantOutcome, 'measurement'> | null> {
  if (benchmark === null) return { measurement: null };
  const summary = describeBenchmark(benchmark);
  const request = engine && { engine, toolchain, benchmark };
  const measured = await book.ask(measureEngine, request, { variant: name, summary });
  return measured && { measurement: measured.artifact };
}

async function predictAdapters(
  book: Predictions,
  plan: Plan,
  { variant: { toolchain }, merged, adapters }: VariantScene,
) {
  const made = [];
  for (const [index, { merge, weight, source }] of plan.adapters.entries()) {
    const adapter = adapters[index] ?? null;
    if (merge) continue;
    const label = sourceLabel(source);
    const input = adapter && merged && { adapter, base: merged, toolchain, label };
    const converted = await book.ask(convertAdapter, input, {
      summary: `write ${label} as a run-time adapter`,
    });
    if (converted === null) return null;
    made.push({ checkpoint: converted.artifact, weight });
  }
  return made;
}

async function predictScores(
  book: Predictions,
  plan: Plan,
  { variant, baseline, engine }: EngineScene,
): Promise<Known<'scores'>[]> {
  const { toolchain, name } = variant;
  const isBaseline = name === plan.baseline;
  const scored: Known<'scores'>[] = [];
  for (const evaluation of plan.evaluations) {
    const compares = evaluation.kind === 'divergence';
    if (compares && isBaseline) continue;
    const ready = engine !== null && (!compares || baseline !== null);
    const input = ready ? { engine, baseline: compares ? baseline : null, toolchain, evaluation } : null;
    const summary = describeEvaluation(evaluation);
    scored.push(await book.ask(scoreEngine, input, { variant: name, summary }));
  }
  return scored;
}
