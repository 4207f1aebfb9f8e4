import { ApplicationFailure, condition, setHandler } from '@temporalio/workflow';
import { promote, type PromoteResult } from '../activities/promote/contract.ts';
import type { ArtifactRef } from '../core/domain/artifact.ts';
import type { PublishPlan } from '../core/domain/plan.ts';
import { cpuQueue } from '../core/domain/queues.ts';
import type { Promotion } from '../core/domain/run-result.ts';
import { approveUpdate, rejectUpdate, type Decision } from './messages.ts';
import type { Story } from './story.ts';

/** A release nobody decides on within this time stays unpromoted; it can still be promoted by hand. */
const approvalTimeout = '7 days';

/** Registers the approval updates; `decide` waits for one. Registered at the start, so an early one is refused in words. */
export function createApproval(story: Story) {
  let decision: (Decision & { approved: boolean }) | null = null;
  const settle = (approved: boolean) => (made: Decision) => {
    decision = { ...made, approved };
    return approved ? `approved by ${made.by}` : `rejected by ${made.by}`;
  };
  const validator = ({ by }: Decision): void => {
    if (story.state.awaiting === null)
      throw ApplicationFailure.nonRetryable('the run does not wait for approval', 'UsageInvalid');
    if (by.trim() === '')
      throw ApplicationFailure.nonRetryable('a decision names who made it', 'UsageInvalid');
  };
  setHandler(approveUpdate, settle(true), { validator });
  setHandler(rejectUpdate, settle(false), { validator });
  return async (): Promise<(Decision & { approved: boolean }) | null> => {
    story.await('approval');
    await condition(() => decision !== null, approvalTimeout);
    story.await(null);
    return decision;
  };
}

export interface PromoteReleaseInput {
  readonly release: ArtifactRef<'release'>;
  readonly publish: PublishPlan;
  readonly run: string;
}

export async function promoteRelease(
  story: Story,
  { release, publish, run }: PromoteReleaseInput,
  decide: ReturnType<typeof createApproval>,
): Promise<Promotion> {
  const { alias } = publish;
  if (publish.promote === 'never') return { alias, state: 'not-asked', sequence: null };
  const decision =
    publish.promote === 'on-approval'
      ? await decide()
      : { approved: true, by: 'gates', reason: 'every gate passed' };
  if (decision === null) return { alias, state: 'not-approved', sequence: null };
  if (!decision.approved) return { alias, state: 'rejected', sequence: null };
  const input = { alias, release, run, by: decision.by, reason: decision.reason };
  const { changed, sequence } = await story.act<typeof input, PromoteResult>(promote, input, {
    id: 'promote',
    queue: cpuQueue,
  });
  return { alias, state: changed ? 'promoted' : 'unchanged', sequence };
}
