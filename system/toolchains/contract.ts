import type { JsonObject } from '../../core/domain/json.ts';
import type { BenchmarkPlan, DivergencePlan, PerplexityPlan } from '../../core/domain/plan.ts';
import type { MergeProof } from '../../core/domain/merge-proof.ts';
import type { EffectScope } from '../../core/domain/progress.ts';
import type {
  BenchmarkSamples,
  DivergenceScores,
  PerplexityScores,
  TrialTexts,
} from '../../core/domain/measurement.ts';

/** A running text that is cut into windows, or texts that are one window each. */
export type TextSource =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'texts'; readonly texts: readonly string[] };

export interface GenerateRequest {
  readonly engineFolder: string;
  readonly prompts: readonly { readonly id: string; readonly text: string }[];
  readonly maxNewTokens: number;
}

/**
 * A pinned way to build and run engines. Folders are given and filled; nothing is read or written elsewhere. Every
 * method throws the named failures of the table, ToolchainMissing when the tool is not on this worker.
 */
export interface EngineToolchain {
  readonly id: string;
  /** What the bytes of a build depend on: versions and library digests. Part of every key. */
  identity(): Promise<JsonObject>;
  /** Which instruction set or device the run-time uses; scores depend on it. */
  machine(): Promise<JsonObject>;
  /** Hugging Face folder → the toolchain's input form. Returns facts. */
  convertCheckpoint(
    request: { readonly modelFolder: string; readonly out: string; readonly parameters: JsonObject },
    scope: EffectScope,
  ): Promise<JsonObject>;
  /** Adapter folder → run-time adapter. */
  convertAdapter(
    request: { readonly adapterFolder: string; readonly baseFolder: string; readonly out: string },
    scope: EffectScope,
  ): Promise<JsonObject>;
  /**
   * Runs calibration texts through a checkpoint and writes `statistics.safetensors` of what its linear layers were
   * given (system/weights says what is in it). Absent where the toolchain cannot look inside.
   */
  captureStatistics?(
    request: {
      readonly checkpointFolder: string;
      readonly modelFolder: string;
      readonly source: TextSource;
      readonly window: number;
      readonly windows: number;
      readonly seed: number;
      readonly out: string;
    },
    scope: EffectScope,
  ): Promise<JsonObject>;
  /**
   * Logits of a merged model against its base with the adapters applied at run time, at every position of the texts.
   * `scratch` may be used for files in between and is gone afterwards.
   */
  proveMerge(
    request: {
      readonly baseFolder: string;
      readonly mergedFolder: string;
      readonly adapters: readonly {
        readonly folder: string;
        readonly weight: number;
        readonly label: string;
      }[];
      readonly texts: readonly string[];
      readonly scratch: string;
    },
    scope: EffectScope,
  ): Promise<MergeProof>;
  /** Builds and verifies: an engine that comes back was read again, never judged by an exit code. */
  buildEngine(
    request: {
      readonly checkpointFolder: string;
      readonly adapters: readonly { readonly folder: string; readonly weight: number }[];
      readonly out: string;
      readonly parameters: JsonObject;
    },
    scope: EffectScope,
  ): Promise<JsonObject>;
  /** Greedy continuation of each prompt. */
  generate(request: GenerateRequest, scope: EffectScope): Promise<TrialTexts>;
  perplexity(
    request: { readonly engineFolder: string; readonly source: TextSource; readonly plan: PerplexityPlan },
    scope: EffectScope,
  ): Promise<PerplexityScores>;
  divergence(
    request: {
      readonly engineFolder: string;
      readonly baselineFolder: string;
      readonly source: TextSource;
      readonly plan: DivergencePlan;
    },
    scope: EffectScope,
  ): Promise<DivergenceScores>;
  measure(
    request: { readonly engineFolder: string; readonly plan: BenchmarkPlan },
    scope: EffectScope,
  ): Promise<BenchmarkSamples>;
}
