import type { ArtifactKind, ArtifactRef, Digest } from './artifact.ts';
import type { JsonObject } from './json.ts';

/** What identifies the output of a step, besides its code, its toolchain and its machine. */
export interface KeyMaterial {
  /**
   * Every artifact the step reads, by role: as a reference where only its meaning counts (weights may then come in any
   * format), as a digest where its very bytes do.
   */
  readonly inputs: { readonly [role: string]: ArtifactRef | Digest };
  /** Normalised settings that change the output. Nothing else: an address or a path here would defeat the cache. */
  readonly parameters: JsonObject;
}

/** Which kind of worker runs a step; `engine` means the queue of the variant's toolchain. */
type StepWorker = 'cpu' | 'engine';

/**
 * The half of a step that workflows, the planner and the cache see: pure, no effect. The other half is the
 * activity beside it.
 */
export interface StepContract<
  Name extends string,
  Input,
  Kind extends ArtifactKind,
  Worker extends StepWorker = StepWorker,
> {
  readonly name: Name;
  /** Version of the step's code: raise it when the same inputs would give other bytes. */
  readonly version: number;
  readonly produces: Kind;
  readonly worker: Worker;
  /** One attempt may take this long. */
  readonly startToCloseTimeout: `${number} ${'minutes' | 'hours'}`;
  /** An attempt that reports nothing new for this long is ended as Stalled. Milliseconds. */
  readonly stallTimeoutMs: number;
  readonly key: (input: Input) => KeyMaterial;
  /** What else the bytes depend on. `cpu`: the instruction set in use; `host`: the very machine. */
  readonly dependsOn: { readonly toolchain: boolean; readonly machine: 'none' | 'cpu' | 'host' };
  /** One line for the Temporal UI and the terminal: what this execution does, in the user's words. */
  readonly summary: (input: Input) => string;
}

export interface StepResult<Kind extends ArtifactKind = ArtifactKind> {
  readonly artifact: ArtifactRef<Kind>;
  readonly key: Digest;
  /** True when the store had it: nothing ran. */
  readonly cached: boolean;
  /** A few numbers of the artifact, from its manifest. */
  readonly facts: JsonObject;
  readonly seconds: number;
}

export function defineStep<Name extends string, Input, Kind extends ArtifactKind, Worker extends StepWorker>(
  contract: StepContract<Name, Input, Kind, Worker>,
): StepContract<Name, Input, Kind, Worker> {
  return contract;
}

/** Everything a step key covers; its canonical JSON is hashed. The order of the fields does not matter. */
export interface FullKey extends Pick<KeyMaterial, 'parameters'> {
  readonly inputs: { readonly [role: string]: Digest };
  readonly step: string;
  readonly stepVersion: number;
  readonly toolchain: JsonObject | null;
  readonly machine: JsonObject | null;
}
