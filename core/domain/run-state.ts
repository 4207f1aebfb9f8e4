import type { ArtifactRef } from './artifact.ts';
import type { JsonObject } from './json.ts';

export type StepStatus = 'waiting' | 'running' | 'done' | 'cached' | 'failed' | 'cancelled';

/** One step of a run as the progress query answers it: the CLI, the UI details and the report only render this. */
export interface StepState {
  /** Unique in the run, e.g. `int4/build-engine`. Equal to the activity's id, so heartbeats can be matched. */
  readonly id: string;
  readonly step: string;
  readonly variant: string | null;
  readonly summary: string;
  readonly status: StepStatus;
  /** Wall time of the step itself, seconds; null until it ended. */
  readonly seconds: number | null;
  readonly artifact: ArtifactRef | null;
  readonly facts: JsonObject;
  readonly failure: StepFailure | null;
}

export interface StepFailure {
  /** A name of the failure table. */
  readonly name: string;
  readonly message: string;
  readonly hint: string;
}

export interface RunState {
  readonly steps: readonly StepState[];
  /** Workflow ids of the variants' children, by variant. */
  readonly children: { readonly [variant: string]: string };
  /** Set while the run waits for a person. */
  readonly awaiting: 'approval' | null;
}

/** What a heartbeat carries. */
export interface Heartbeat {
  /** 0…1, or null when the step cannot tell. */
  readonly fraction: number | null;
  readonly note: string;
}
