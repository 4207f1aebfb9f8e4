import type { ArtifactRef, Digest } from './artifact.ts';
import type { JsonObject } from './json.ts';

/**
 * The fully resolved recipe. Computed by pure code in the client, then it enters the history as an argument, so a
 * changed planner never breaks a replay.
 */
export interface Plan {
  readonly formatVersion: 1;
  readonly recipe: { readonly name: string; readonly digest: Digest };
  readonly model: SourcePlan;
  /** Merged in order. */
  readonly adapters: readonly AdapterPlan[];
  readonly rounding: 'peft-default' | 'peft-safe' | 'once';
  /** Embedding rows the tokenizer needs and no adapter brings. */
  readonly newRows: 'refuse' | 'mean';
  /** Adapters that name another base are merged too. Plans of older runs do not have it: false. */
  readonly anyBase?: boolean;
  readonly baseline: string;
  readonly variants: readonly VariantPlan[];
  /** How many variants may be under way at once. */
  readonly concurrency: number;
  /** Texts whose activations calibrated quantizations look at; null when no variant needs them. */
  readonly calibration: CalibrationPlan | null;
  readonly trial: TrialPlan;
  readonly evaluations: readonly EvaluationPlan[];
  readonly benchmark: BenchmarkPlan | null;
  readonly gates: readonly GatePlan[];
  readonly publish: PublishPlan | null;
}

export type SourcePlan = HubSource | FolderSource;

/** Which files of a source; patterns as huggingface_hub's allow_patterns and ignore_patterns mean them. */
export interface FileChoice {
  /** Exactly those that match one of these, instead of the usual choice. */
  readonly allow?: readonly string[];
  /** Never these. */
  readonly ignore?: readonly string[];
}

export interface HubSource {
  readonly kind: 'hub';
  /** `owner/name`. */
  readonly repository: string;
  /** Branch, tag or commit. */
  readonly revision: string;
  /** Where the workers ask; not part of any key. Null: the worker's own HF_ENDPOINT. */
  readonly endpoint: string | null;
  /** Name of the variable that holds the token on the worker; the token itself never leaves it. */
  readonly tokenVariable: string;
  readonly files?: FileChoice;
}

export interface FolderSource {
  readonly kind: 'folder';
  /** Absolute, on the workers' file system. */
  readonly path: string;
  readonly files?: FileChoice;
}

export interface AdapterPlan {
  readonly source: SourcePlan;
  readonly weight: number;
  /** False: kept apart and applied at run time. */
  readonly merge: boolean;
}

export interface VariantPlan {
  readonly name: string;
  readonly toolchain: string;
  /** Task queue of the workers that have this toolchain. */
  readonly queue: string;
  /** As the user wrote it, defaults filled in. */
  readonly quantization: JsonObject;
  /** In words, e.g. `4 bit, groups of 32`. */
  readonly label: string;
  /** Parameters of our own quantization before the conversion; null where the toolchain quantizes itself. */
  readonly quantize: { readonly parameters: JsonObject; readonly calibrated: boolean } | null;
  /** Parameters of the toolchain's conversion; variants with equal ones share the checkpoint. */
  readonly checkpoint: JsonObject;
  /** Parameters of the toolchain's build. */
  readonly build: JsonObject;
}

export interface CalibrationPlan {
  readonly dataset: ArtifactRef<'dataset'>;
  /** Tokens per window. */
  readonly window: number;
  /** Windows read, drawn from all by the seed. */
  readonly windows: number;
  readonly seed: number;
}

export interface TrialPlan {
  readonly prompts: readonly { readonly id: string; readonly text: string }[];
  readonly maxNewTokens: number;
}

export type EvaluationPlan = SummarizePlan | PerplexityPlan | DivergencePlan;

export interface SummarizePlan {
  readonly kind: 'summarize';
  readonly dataset: ArtifactRef<'dataset'>;
  readonly samples: number;
  readonly maxNewTokens: number;
  readonly dialect: string;
  readonly tokenizer: string;
  /** `{document}` is replaced by the sample's text. */
  readonly template: string;
}

export interface PerplexityPlan {
  readonly kind: 'perplexity';
  readonly dataset: ArtifactRef<'dataset'>;
  /** Tokens per window. */
  readonly window: number;
  /** Windows scored, from the start of the text. */
  readonly windows: number;
}

/** KL divergence and top-1 agreement against the baseline, on the windows of the perplexity text. */
export interface DivergencePlan {
  readonly kind: 'divergence';
  readonly dataset: ArtifactRef<'dataset'>;
  readonly window: number;
  readonly windows: number;
}

export interface BenchmarkPlan {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly concurrency: readonly number[];
  readonly repeats: number;
}

export interface GatePlan {
  readonly metric: string;
  readonly rule: 'max' | 'min' | 'non-inferior';
  /** For `max` and `min`: the bound. For `non-inferior`: the margin, in units of the metric. */
  readonly bound: number;
}

export interface PublishPlan {
  readonly alias: string;
  readonly promote: 'on-pass' | 'on-approval' | 'never';
  /** Which of the passing variants is published. */
  readonly choose: 'smallest' | 'fastest' | 'best' | { readonly variant: string };
}

/** The baseline is the yardstick; it is published only when the recipe names it or has nothing else. */
export function mayBePublished(name: string, { publish, baseline, variants }: Plan): boolean {
  if (publish !== null && typeof publish.choose === 'object') return publish.choose.variant === name;
  return name !== baseline || variants.length === 1;
}
