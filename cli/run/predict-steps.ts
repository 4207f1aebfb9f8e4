import type { VariantOutcome } from '../../activities/judge/contract.ts';
import { describeBenchmark, measureEngine } from '../../activities/measure-engine/contract.ts';
import { describeEvaluation, scoreEngine } from '../../activities/score-engine/contract.ts';
import { tryEngine } from '../../activities/try-engine/contract.ts';
import type { ArtifactRef } from '../../core/domain/artifact.ts';
import type { Plan } from '../../core/domain/plan.ts';
import { predictEngine, type VariantScene } from './predict-engine.ts';
import { predictJudging } from './predict-judging.ts';
import { predictMerge, predictSource, type PredictedSource } from './predict-sources.ts';
import { type Foresight, type Known, type PredictedStep, Predictions } from './predictions.ts';

/**
 * What `runRecipe` would do now, step by step, without doing it. A step whose input is not made yet will run: its
 * key cannot be known before.
 */
export async function predictSteps(plan: Plan, foresight: Foresight): Promise<PredictedStep[]> {
  const book = new Predictions(foresight);
  const base = await predictSource(book, plan.model);
  const adapterSources: PredictedSource[] = [];
  for (const { source } of plan.adapters) adapterSources.push(await predictSource(book, source));
  const [model, adapters] = [base.weights, adapterSources.map(({ weights }) => weights)];
  const { model: prepared, merged, proof } = await predictMerge(book, plan, { model, adapters });
  const baseline = plan.variants.find(({ name }) => name === plan.baseline);
  const rest = plan.variants.filter((variant) => variant !== baseline);
  const outcomes = new Map<string, VariantOutcome | null>();
  let engineOfBaseline: ArtifactRef<'engine'> | null = null;
  for (const variant of baseline === undefined ? rest : [baseline, ...rest]) {
    const scene = { variant, merged: prepared, adapters, baseline: engineOfBaseline };
    const { engine, outcome } = await predictVariant(book, plan, scene);
    if (variant === baseline) engineOfBaseline = engine;
    outcomes.set(variant.name, outcome);
  }
  const sources = { model: base.facts, adapters: adapterSources.map(({ facts }) => facts) };
  await predictJudging(book, plan, { outcomes, merged, proof, sources });
  return book.steps;
}

interface JudgedScene extends VariantScene {
  readonly baseline: ArtifactRef<'engine'> | null;
}

interface PredictedVariant {
  readonly engine: ArtifactRef<'engine'> | null;
  /** Null while a step of it is still to run. */
  readonly outcome: VariantOutcome | null;
}

async function predictVariant(book: Predictions, plan: Plan, scene: JudgedScene): Promise<PredictedVariant> {
  const { toolchain, name, label } = scene.variant;
  const { engine, quantized } = await predictEngine(book, plan, scene);
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
  return {
    engine,
    outcome: { name, label, toolchain, quantized, engine, trial, scores, measurement, failure: null },
  };
}

type EngineScene = JudgedScene & { readonly engine: ArtifactRef<'engine'> | null };

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
