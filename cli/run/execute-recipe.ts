import type { Verdict } from '../../core/domain/run-result.ts';
import type { Context } from '../define-command.ts';
import { openRunning, openStack, type OpenStack } from '../temporal/open-stack.ts';
import { followRun, type FollowedRun } from './follow-run.ts';
import { preparePlan, type PreparedPlan } from './prepare-plan.ts';
import { presentRun } from './present-run.ts';
import { startRun } from './start-run.ts';

export interface RecipeRequest {
  readonly file: string;
  readonly address?: string | undefined;
  readonly keepUp: boolean;
  readonly detach: boolean;
  readonly hub?: string | undefined;
}

export interface RecipeOutcome {
  readonly followed: FollowedRun;
  /** From the start of the workflow to its end. */
  readonly seconds: number;
}

/** 0 when something passed; a script tells fail and inconclusive apart. */
export const exitCodes: Record<Verdict, number> = { pass: 0, fail: 1, inconclusive: 2, error: 1 };

/** Everything `run` does. A server that does not answer is told before the store holds a dataset for it. */
export async function executeRecipe(context: Context, request: RecipeRequest): Promise<number> {
  const wish = { ...request, start: !request.detach };
  await using running = await openRunning(context, wish);
  const prepared = await prepare(context, request);
  if (running !== null) return await startOn(running, context, { ...prepared, detach: request.detach });
  await using started = await openStack(context, wish);
  return await startOn(started, context, { ...prepared, detach: request.detach });
}

async function startOn(
  stack: OpenStack,
  context: Context,
  { detach, ...prepared }: PreparedPlan & Pick<RecipeRequest, 'detach'>,
): Promise<number> {
  if (!detach) return exitCodes[(await followRecipe(context, stack, prepared)).followed.result.verdict];
  const handle = await startRun(stack.client, prepared.plan, prepared.recipeText);
  context.print.result({ run: handle.workflowId }, handle.workflowId);
  return 0;
}

/**
 * Plans before anything is started: a recipe that is wrong costs no server. A hub that is brought along is meant even
 * where the shell points at another one.
 */
export function prepare(
  { environment, home }: Context,
  { file, hub }: Pick<RecipeRequest, 'file' | 'hub'>,
): Promise<PreparedPlan> {
  return preparePlan({ file, home, endpoint: hub === undefined ? environment.hubEndpoint : null });
}

/** Starts a run on a stack that is up, follows it and prints what came of it. */
export async function followRecipe(
  context: Context,
  stack: OpenStack,
  { plan, recipeText }: PreparedPlan,
): Promise<RecipeOutcome> {
  const { environment, print } = context;
  const started = performance.now();
  const handle = await startRun(stack.client, plan, recipeText);
  print.note(`run ${handle.workflowId}`);
  const uiAddress = runAddress(stack, environment.namespace, handle.workflowId);
  if (uiAddress !== null) print.note(`Temporal web UI ${uiAddress}`);
  const followed = await followRun(stack.client, handle, context);
  const seconds = (performance.now() - started) / 1000;
  const presented = { followed, workflowId: handle.workflowId, uiAddress, seconds };
  await presentRun(context, presented);
  return { followed, seconds };
}

function runAddress(
  { uiAddress }: Pick<OpenStack, 'uiAddress'>,
  namespace: string,
  workflowId: string,
): string | null {
  return uiAddress === null
    ? null
    : `${uiAddress}/namespaces/${namespace}/workflows/${encodeURIComponent(workflowId)}`;
}
