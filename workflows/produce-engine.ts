import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { ApplicationFailure, isCancellation, upsertSearchAttributes } from '@temporalio/workflow';
import { buildEngine } from '../activities/build-engine/contract.ts';
import type { VariantOutcome } from '../activities/judge/contract.ts';
import { measureEngine } from '../activities/measure-engine/contract.ts';
import { scoreEngine } from '../activities/score-engine/contract.ts';
import { tryEngine } from '../activities/try-engine/contract.ts';
import type { ArtifactRef } from '../core/domain/artifact.ts';
import type { BenchmarkPlan, EvaluationPlan, TrialPlan, VariantPlan } from '../core/domain/plan.ts';
import { failureOf, Story, type StepPlace } from './story.ts';
import type { Checkpoints } from './write-checkpoints.ts';

const bytesKey = defineSearchAttributeKey('EwEngineBytes', SearchAttributeType.INT);

export interface ProduceEngineInput extends Checkpoints {
  readonly variant: VariantPlan;
  readonly trial: TrialPlan;
  readonly evaluations: readonly EvaluationPlan[];
  readonly benchmark: BenchmarkPlan | null;
  /** Null when this variant is the baseline, or when the baseline could not be built. */
  readonly baseline: ArtifactRef<'engine'> | null;
  readonly isBaseline: boolean;
}

/** One variant: build, try, score, measure. A failed step fails it, with what it had reached as details. */
export async function produceEngine(input: ProduceEngineInput): Promise<VariantOutcome> {
  const { variant, trial, benchmark } = input;
  const { toolchain, queue } = variant;
  const story = new Story(variant.name);
  const on = (id: string): StepPlace => ({ id, queue });
  let outcome: VariantOutcome = { ...emptyOutcome(variant), quantized: input.quantized };
  try {
    const build = {
      checkpoint: input.checkpoint,
      adapters: input.adapters,
      toolchain,
      parameters: variant.build,
      label: variant.label,
    };
    const { artifact: engine } = await story.step(buildEngine, build, on('build-engine'));
    outcome = { ...outcome, engine };
    upsertSearchAttributes([{ key: bytesKey, value: engine.bytes }]);
    const tried = await story.step(tryEngine, { engine, toolchain, trial }, on('try-engine'));
    outcome = { ...outcome, trial: tried.artifact };
    for (const evaluation of evaluationsFor(input)) {
      const baseline = evaluation.kind === 'divergence' ? input.baseline : null;
      const place = on(`score-engine/${evaluation.kind}`);
      const scored = await story.step(scoreEngine, { engine, baseline, toolchain, evaluation }, place);
      outcome = { ...outcome, scores: [...outcome.scores, scored.artifact] };
    }
    if (benchmark !== null) {
      const measured = await story.step(
        measureEngine,
        { engine, toolchain, benchmark },
        on('measure-engine'),
      );
      outcome = { ...outcome, measurement: measured.artifact };
    }
    story.end();
    return outcome;
  } catch (error) {
    if (isCancellation(error)) throw error;
    const { name, message } = failureOf(error);
    const reached: VariantOutcome = { ...outcome, failure: { name, message } };
    throw ApplicationFailure.create({ message, type: name, nonRetryable: true, details: [reached] });
  }
}

/** A baseline does not diverge from itself; without a baseline the divergence is missing, which its gates report. */
function evaluationsFor({
  evaluations,
  baseline,
  isBaseline,
}: ProduceEngineInput): readonly EvaluationPlan[] {
  return evaluations.filter(({ kind }) => kind !== 'divergence' || (!isBaseline && baseline !== null));
}

export function emptyOutcome({ name, label, toolchain }: VariantPlan): VariantOutcome {
  const nothing = { quantized: null, engine: null, trial: null, measurement: null, failure: null };
  return { name, label, toolchain, scores: [], ...nothing };
}
