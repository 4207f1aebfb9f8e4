import type { Verdict } from '../../core/domain/run-result.ts';
import type { Context } from '../define-command.ts';
import { openStack, type OpenStack } from '../temporal/open-stack.ts';
import { followRun, type FollowedRun } from './follow-run.ts';
import { preparePlan } from './prepare-plan.ts';
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
  readonly exitCode: number;
  readonly followed: FollowedRun | null;
  /** From the start of the workflow to its end. */
  readonly seconds: number;
}

/** 0 when something passed; a script tells fail and inconclusive apart. */
const exitCodes: Record<Verdict, number> = { pass: 0, fail: 1, inconclusive: 2, error: 1 };

/** Everything `run` does, for `demo` to build on. */
export async function executeRecipe(context: Context, request: RecipeRequest): Promise<RecipeOutcome> {
  const { environment, home, print } = context;
  const prepared = await preparePlan({ file: request.file, home, endpoint: environment.hubEndpoint });
  await using stack = await openStack(context, { ...request, start: !request.detach });
  const started = performance.now();
  const handle = await startRun(stack.client, prepared.plan, prepared.recipeText);
  print.note(`run ${handle.workflowId}`);
  const address = runAddress(stack, environment.namespace, handle.workflowId);
  if (address !== null) print.note(`Temporal web UI ${address}`);
  if (request.detach) {
    print.result({ run: handle.workflowId }, handle.workflowId);
    return { exitCode: 0, followed: null, seconds: 0 };
  }
  const followed = await followRun(stack.client, handle, context);
  const seconds = (performance.now() - started) / 1000;
  await presentRun(context, { followed, workflowId: handle.workflowId, uiAddress: address, seconds });
  return { exitCode: exitCodes[followed.result.verdict], followed, seconds };
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
