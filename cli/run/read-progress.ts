import { defaultPayloadConverter } from '@temporalio/common';
import type { Client, WorkflowHandle } from '@temporalio/client';
import type { Heartbeat, RunState, StepState } from '../../core/domain/run-state.ts';

/** A step as the terminal shows it: its state, and how far a running one is. */
export interface StepLine extends StepState {
  readonly heartbeat: Heartbeat | null;
  /** Attempt under way, and why the one before it failed. */
  readonly attempt: number;
  readonly lastFailure: string | null;
}

export interface Progress {
  readonly lines: readonly StepLine[];
  readonly awaiting: RunState['awaiting'];
}

/** Asks a run and its variants' children for their steps, and the server for the heartbeats of the running ones. */
export async function readProgress(client: Client, workflowId: string): Promise<Progress> {
  const run = await readWorkflow(client.workflow.getHandle(workflowId));
  const children = await Promise.all(
    Object.values(run.state.children).map((id) =>
      readWorkflow(client.workflow.getHandle(id)).catch(() => null),
    ),
  );
  const lines = [run, ...children.filter((child) => child !== null)].flatMap(({ lines: own }) => own);
  // Judging and publishing come after the variants although the parent started first.
  const late = new Set(['judge', 'publish', 'promote']);
  const ordered = [
    ...lines.filter(({ step }) => !late.has(step)),
    ...lines.filter(({ step }) => late.has(step)),
  ];
  return { lines: ordered, awaiting: run.state.awaiting };
}

async function readWorkflow(handle: WorkflowHandle): Promise<{ state: RunState; lines: StepLine[] }> {
  const state = await handle.query<RunState>('progress');
  const running = state.steps.some(({ status }) => status === 'running');
  const pending = running ? ((await handle.describe()).raw.pendingActivities ?? []) : [];
  const lines = state.steps.map((step): StepLine => {
    const activity = pending.find(({ activityId }) => activityId === step.id);
    return {
      ...step,
      heartbeat: step.status === 'running' ? heartbeatOf(activity) : null,
      attempt: activity?.attempt ?? 1,
      lastFailure: activity?.lastFailure?.message ?? null,
    };
  });
  return { state, lines };
}

type Description = Awaited<ReturnType<WorkflowHandle['describe']>>['raw'];
type PendingActivity = NonNullable<Description['pendingActivities']>[number];

/** PENDING_ACTIVITY_STATE_SCHEDULED of temporal.api.enums.v1. */
const scheduled = 1;

/** The last heartbeat; a step that no worker has taken yet says so. */
function heartbeatOf(activity: PendingActivity | undefined): Heartbeat | null {
  if (Number(activity?.state) === scheduled) return { fraction: null, note: 'waits for a worker' };
  const payload = activity?.heartbeatDetails?.payloads?.[0];
  return payload ? defaultPayloadConverter.fromPayload<Heartbeat>(payload) : null;
}
