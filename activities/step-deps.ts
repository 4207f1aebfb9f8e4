import type { SourcePlan } from '../core/domain/plan.ts';
import type { ArtifactStore } from '../system/artifact-store/contract.ts';
import type { AliasBook } from '../system/artifact-store/aliases.ts';
import type { ModelSource } from '../system/sources/contract.ts';
import type { EngineToolchain } from '../system/toolchains/contract.ts';
import type { WeightTools } from '../system/weights/contract.ts';
import type { RunStep } from './run-step.ts';

/** What a composition root gives to the steps; a step takes the few it needs. */
export interface StepDeps {
  readonly runStep: RunStep;
  readonly store: ArtifactStore;
  readonly aliases: AliasBook;
  /** The reader for a source: hub or folder. */
  readonly sourceFor: (source: SourcePlan) => ModelSource;
  readonly weights: WeightTools;
  /** Throws ToolchainMissing. */
  readonly toolchain: (id: string) => EngineToolchain;
}
