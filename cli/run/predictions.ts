import type { StepName } from '../../activities/contracts.ts';
import type { ArtifactKind } from '../../core/domain/artifact.ts';
import type { SourcePlan } from '../../core/domain/plan.ts';
import type { StepContract, StepResult } from '../../core/domain/step.ts';

export interface PredictedStep {
  readonly step: StepName;
  readonly variant: string | null;
  readonly summary: string;
  readonly worker: string;
  readonly status: 'cached' | 'will run' | 'if needed';
  /** Why it will run. */
  readonly why: string;
}

/** The two questions a prediction asks the world. */
export interface Foresight {
  /** The listing of a source at its present commit; null when the listing is not in the store yet. */
  listing(
    source: SourcePlan,
  ): Promise<{ readonly commit: string; readonly made: StepResult<'listing'> | null }>;
  /** What the store has for a step. */
  lookup<Input, Kind extends ArtifactKind>(
    contract: StepContract<string, Input, Kind>,
    input: Input,
  ): Promise<StepResult<Kind> | null>;
}

export type Known<K extends ArtifactKind> = StepResult<K> | null;

/** Collects predictions; `ask` passes null on where an input is unknown. */
export class Predictions {
  readonly steps: PredictedStep[] = [];
  readonly foresight: Foresight;
  readonly #seen = new Set<string>();

  constructor(foresight: Foresight) {
    this.foresight = foresight;
  }

  async ask<Input, Kind extends ArtifactKind>(
    contract: StepContract<StepName, Input, Kind>,
    input: Input | null,
    { variant = null, summary }: { readonly variant?: string | null; readonly summary: string },
  ): Promise<Known<Kind>> {
    const found = input === null ? null : await this.foresight.lookup(contract, input);
    const why =
      found !== null ? '' : input === null ? 'its input is not made yet' : 'nothing in the store has its key';
    this.note({
      step: contract.name,
      variant,
      summary,
      worker: contract.worker,
      status: found === null ? 'will run' : 'cached',
      why,
    });
    return found;
  }

  note(step: PredictedStep): void {
    // Variants share a checkpoint: it is listed once.
    const id = `${step.step} ${step.variant ?? ''} ${step.summary}`;
    if (!this.#seen.has(id)) this.steps.push(step);
    this.#seen.add(id);
  }
}
