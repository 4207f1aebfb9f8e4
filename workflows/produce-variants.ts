import {
  ApplicationFailure,
  ChildWorkflowCancellationType,
  ChildWorkflowFailure,
  executeChild,
  isCancellation,
  ParentClosePolicy,
  workflowInfo,
} from '@temporalio/workflow';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import type { VariantOutcome } from '../activities/judge/contract.ts';
import type { ArtifactRef } from '../core/domain/artifact.ts';
import type { Plan, VariantPlan } from '../core/domain/plan.ts';
import type { PreparedModel } from './prepare-model.ts';
import { emptyOutcome, produceEngine, type ProduceEngineInput } from './produce-engine.ts';
import { failureOf, type Story } from './story.ts';
import { CheckpointWriter } from './write-checkpoints.ts';

const variantKey = defineSearchAttributeKey('EwVariant', SearchAttributeType.KEYWORD);
const toolchainKey = defineSearchAttributeKey('EwToolchain', SearchAttributeType.KEYWORD);
const recipeKey = defineSearchAttributeKey('EwRecipe', SearchAttributeType.KEYWORD);

/** The baseline first (others are compared with it), then the rest, at most `plan.concurrency` at once. */
export async function produceVariants(
  story: Story,
  plan: Plan,
  prepared: PreparedModel,
): Promise<VariantOutcome[]> {
  const checkpoints = new CheckpointWriter(story, plan, prepared);
  const produce = async (
    variant: VariantPlan,
    baseline: ArtifactRef<'engine'> | null,
  ): Promise<VariantOutcome> => {
    const { trial, evaluations, benchmark } = plan;
    const isBaseline = variant.name === plan.baseline;
    try {
      const inputs = await checkpoints.write(variant);
      const settings = { variant, trial, evaluations, benchmark, baseline, isBaseline };
      return await runChild(story, plan, { ...settings, ...inputs });
    } catch (error) {
      if (isCancellation(error)) throw error;
      return outcomeOfFailure(variant, error);
    }
  };
  const baselines = plan.variants.filter(({ name }) => name === plan.baseline);
  const first = await mapBounded(baselines, 1, (variant) => produce(variant, null));
  const rest = plan.variants.filter(({ name }) => name !== plan.baseline);
  const yardstick = first[0]?.engine ?? null;
  const others = await mapBounded(rest, plan.concurrency, (variant) => produce(variant, yardstick));
  const inOrder = plan.variants.map(({ name }) => name);
  return [...first, ...others].toSorted((a, b) => inOrder.indexOf(a.name) - inOrder.indexOf(b.name));
}

function runChild(story: Story, plan: Plan, input: ProduceEngineInput): Promise<VariantOutcome> {
  const { name, label, toolchain } = input.variant;
  const workflowId = `${workflowInfo().workflowId}/${name}`;
  story.addChild(name, workflowId);
  return executeChild(produceEngine, {
    workflowId,
    args: [input],
    staticSummary: `${name}: ${label}`,
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
    typedSearchAttributes: [
      { key: recipeKey, value: plan.recipe.name },
      { key: variantKey, value: name },
      { key: toolchainKey, value: toolchain },
    ],
  });
}

/** What a failed variant had reached travels in the details of its failure. */
function outcomeOfFailure(variant: VariantPlan, error: unknown): VariantOutcome {
  const cause = error instanceof ChildWorkflowFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure) {
    const [reached] = (cause.details ?? []) as [VariantOutcome?];
    if (reached !== undefined && 'scores' in reached) return reached;
  }
  const { name, message } = failureOf(cause);
  return { ...emptyOutcome(variant), failure: { name, message } };
}

async function mapBounded<T, R>(
  items: readonly T[],
  limit: number,
  apply: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const pending = [...items.entries()];
  const lane = async (): Promise<void> => {
    for (let next = pending.shift(); next !== undefined; next = pending.shift())
      results[next[0]] = await apply(next[1]);
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
  return results;
}
