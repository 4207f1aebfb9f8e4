import { defineQuery, defineUpdate } from '@temporalio/workflow';
import type { RunState } from '../core/domain/run-state.ts';

/** Every step with its state; answered by running and by closed runs. */
export const progressQuery = defineQuery<RunState>('progress');

export interface Decision {
  /** Who decides; stays in the history. */
  readonly by: string;
  readonly reason: string;
}

/** Refused unless the run waits for approval and `by` names someone. Answers the alias entry's state in words. */
export const approveUpdate = defineUpdate<string, [Decision]>('approve');
export const rejectUpdate = defineUpdate<string, [Decision]>('reject');
