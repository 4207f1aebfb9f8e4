import {
  ActivityCancellationType,
  ActivityFailure,
  ApplicationFailure,
  isCancellation,
  scheduleActivity,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  type ActivityOptions,
} from '@temporalio/workflow';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import type { StepName } from '../activities/contracts.ts';
import type { ArtifactKind } from '../core/domain/artifact.ts';
import type { RunState, StepFailure, StepState } from '../core/domain/run-state.ts';
import type { StepContract, StepResult } from '../core/domain/step.ts';
import { progressQuery } from './messages.ts';
import { renderDetails } from './render-details.ts';

const stageKey = defineSearchAttributeKey('EwStage', SearchAttributeType.KEYWORD);

/** The limit the server keeps is 200 bytes; a summary is cut well before. */
const maxSummaryCharacters = 120;

/** A dead worker is noticed after this long without a heartbeat (steps send one every 5 s). */
const heartbeatTimeout = '20 seconds';

/** Bounded by time rather than by a tiny count: a deploy that restarts workers must not use the attempts up. */
const retry = {
  initialInterval: '1 second',
  backoffCoefficient: 2,
  maximumInterval: '1 minute',
  maximumAttempts: 5,
} as const;

export interface StepPlace {
  /** Unique in this workflow; also the activity's id, so that a heartbeat can be matched to its line. */
  readonly id: string;
  readonly queue: string;
}

interface AnyContract<Input> {
  readonly name: StepName;
  readonly startToCloseTimeout: StepContract<string, Input, ArtifactKind>['startToCloseTimeout'];
  readonly summary: (input: Input) => string;
}

/**
 * One workflow's account of its steps: runs activities and keeps what the progress query, the UI details and the
 * search attribute say in step with them.
 */
export class Story {
  readonly #variant: string | null;
  readonly #steps = new Map<string, StepState>();
  readonly #children: Record<string, string> = {};
  #awaiting: RunState['awaiting'] = null;
  #conclusion = '';

  constructor(variant: string | null) {
    this.#variant = variant;
    setHandler(progressQuery, () => this.state);
  }

  get state(): RunState {
    return { steps: [...this.#steps.values()], children: { ...this.#children }, awaiting: this.#awaiting };
  }

  addChild(variant: string, workflowId: string): void {
    this.#children[variant] = workflowId;
  }

  await(what: RunState['awaiting']): void {
    this.#awaiting = what;
    if (what !== null) this.#enter(`awaiting ${what}`);
    this.#show();
  }

  /** What came of it, in Markdown: stands above the steps in the UI details. */
  conclude(markdown: string): void {
    this.#conclusion = markdown;
    this.#show();
  }

  /** The last word: a closed workflow is at no step. */
  end(): void {
    this.#enter('done');
  }

  /** Runs a cached step. The compiler refuses one that activities/contracts.ts does not list: no worker has it. */
  step<Input, Kind extends ArtifactKind>(
    contract: StepContract<StepName, Input, Kind>,
    input: Input,
    place: StepPlace,
  ): Promise<StepResult<Kind>> {
    return this.#run<Input, StepResult<Kind>>(contract, input, place);
  }

  /** Runs an activity that is never cached because it changes the world. */
  act<Input, Output>(contract: AnyContract<Input>, input: Input, place: StepPlace): Promise<Output> {
    return this.#run<Input, Output>(contract, input, place);
  }

  async #run<Input, Output>(contract: AnyContract<Input>, input: Input, place: StepPlace): Promise<Output> {
    const summary = clip(contract.summary(input));
    const base = { id: place.id, step: contract.name, variant: this.#variant, summary };
    const open = { seconds: null, artifact: null, facts: {}, failure: null };
    this.#set({ ...base, ...open, status: 'running' });
    this.#enter(contract.name);
    const options: ActivityOptions = {
      summary,
      taskQueue: place.queue,
      activityId: place.id,
      startToCloseTimeout: contract.startToCloseTimeout,
      heartbeatTimeout,
      retry,
      // Explicit: left out, the server would report a cancelled run while its processes still live.
      cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    };
    try {
      const output = await scheduleActivity<Output>(contract.name, [input], options);
      this.#set({ ...base, ...open, ...outcomeOf(output) });
      return output;
    } catch (error) {
      const cancelled = isCancellation(error);
      this.#set({
        ...base,
        ...open,
        status: cancelled ? 'cancelled' : 'failed',
        failure: cancelled ? null : failureOf(error),
      });
      throw error;
    }
  }

  #set(step: StepState): void {
    this.#steps.set(step.id, step);
    this.#show();
  }

  #show(): void {
    setCurrentDetails(renderDetails(this.state, this.#conclusion));
  }

  #enter(stage: string): void {
    upsertSearchAttributes([{ key: stageKey, value: stage }]);
  }
}

function outcomeOf(output: unknown): Pick<StepState, 'status'> & Partial<StepState> {
  if (!isStepResult(output)) return { status: isUnchanged(output) ? 'cached' : 'done', seconds: 0 };
  const { cached, seconds, artifact, facts } = output;
  return { status: cached ? 'cached' : 'done', seconds, artifact, facts };
}

function isStepResult(output: unknown): output is StepResult {
  return typeof output === 'object' && output !== null && 'cached' in output;
}

/** An activity that found the world as it should be: nothing was written. */
function isUnchanged(output: unknown): boolean {
  return typeof output === 'object' && output !== null && 'changed' in output && output.changed === false;
}

/** The innermost cause that has a name: what the step threw, not what Temporal wrapped around it. */
export function failureOf(error: unknown): StepFailure {
  const cause = error instanceof ActivityFailure ? (error.cause ?? error) : error;
  if (cause instanceof ApplicationFailure) {
    const [facts] = (cause.details ?? []) as [{ hint?: string }?];
    return { name: cause.type ?? 'InternalError', message: cause.message, hint: facts?.hint ?? '' };
  }
  const message = cause instanceof Error ? cause.message : String(cause);
  return { name: 'ToolCrashed', message: `the worker was lost: ${message}`, hint: 'Look at the worker.' };
}

function clip(text: string): string {
  return text.length <= maxSummaryCharacters ? text : `${text.slice(0, maxSummaryCharacters - 1)}…`;
}
