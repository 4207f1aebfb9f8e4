/** Copies of the workflows, each with one change that must not reach runs under way. The replay test expects refusal. */
import { judge } from '../../../activities/judge/contract.ts';
import { tryEngine } from '../../../activities/try-engine/contract.ts';
import type { ArtifactRef } from '../../../core/domain/artifact.ts';
import type { Plan } from '../../../core/domain/plan.ts';
import { cpuQueue } from '../../../core/domain/queues.ts';
import { prepareModel } from '../../../workflows/prepare-model.ts';
import {
  produceEngine as rightProduceEngine,
  type ProduceEngineInput,
} from '../../../workflows/produce-engine.ts';
import { createApproval } from '../../../workflows/promote-release.ts';
import { Story } from '../../../workflows/story.ts';

/** Judges before the variants are made. */
export async function runRecipe(plan: Plan): Promise<void> {
  const story = new Story(null);
  createApproval(story);
  const { sources } = await prepareModel(story, plan);
  const { baseline, gates } = plan;
  await story.step(
    judge,
    { recipe: plan.recipe.name, baseline, variants: [], gates, merged: null, proof: null, sources },
    { id: 'judge', queue: cpuQueue },
  );
}

/** Tries the engine before it is built. */
export async function produceEngine(input: ProduceEngineInput): Promise<unknown> {
  const { variant, trial, checkpoint } = input;
  const { toolchain, queue } = variant;
  const engine: ArtifactRef<'engine'> = { ...checkpoint, kind: 'engine' };
  await new Story(variant.name).step(tryEngine, { engine, toolchain, trial }, { id: 'try-engine', queue });
  return rightProduceEngine(input);
}
