import type { JsonObject } from './json.ts';

/** What the scoring steps store, one JSON document each. Raw per-sample values: every figure is recomputed from them. */
export const rougeMetrics = ['rouge1', 'rouge2', 'rougeL', 'rougeLsum'] as const;
export type RougeMetric = (typeof rougeMetrics)[number];

/** F-measures of one sample, in percent (0…100). */
export type RougeFigures = { readonly [M in RougeMetric]: number };

export interface SummarySample extends RougeFigures {
  readonly id: string;
  readonly prediction: string;
  readonly reference: string;
  /** Length of the prediction in tokens of the model. */
  readonly outputTokens?: number;
}

export interface SummaryScores {
  /** Id of a ROUGE dialect; figures of two dialects are never compared. */
  readonly dialect: string;
  /** Id of a ROUGE tokenizer. */
  readonly tokenizer: string;
  readonly dataset?: { readonly digest: string };
  readonly maxNewTokens?: number;
  readonly samples: readonly SummarySample[];
}

/** What two perplexities must share to be comparable. */
export interface WindowProtocol {
  /** Tokens in a window. */
  readonly window: number;
  /** Tokens from the start of one window to the start of the next. */
  readonly stride: number;
  /** sha256 of the text, lower-case hex. */
  readonly textDigest: string;
  /** sha256 of the tokenizer: perplexities of two tokenizers are not comparable. */
  readonly tokenizerDigest?: string;
  /** UTF-8 bytes of the scored text; with it, bits per byte compares across tokenizers. */
  readonly textBytes?: number;
}

export interface PerplexityScores {
  readonly protocol: WindowProtocol;
  readonly windows: readonly {
    /** Scored tokens. */
    readonly tokens: number;
    /** Sum of −ln p(token) over the scored tokens, in nats. */
    readonly nll: number;
  }[];
}

export interface DivergenceWindow {
  /** Compared positions. */
  readonly tokens: number;
  /** Sum over the positions of KL(baseline ‖ variant), in nats. */
  readonly kldSum: number;
  /** Positions at which both have the same most probable token. */
  readonly top1Matches: number;
  /** KL of each position in order, nats; percentiles need it. */
  readonly kld?: readonly number[];
}

export interface DivergenceScores {
  readonly protocol: WindowProtocol;
  /** `full`: over the whole vocabulary. A number k: over the k most probable tokens only, a lower bound. */
  readonly support: 'full' | number;
  readonly windows: readonly DivergenceWindow[];
}

/** Times in milliseconds on one monotonic clock per point. */
export interface RequestSample {
  readonly sentMs: number;
  readonly firstTokenMs: number;
  readonly lastTokenMs: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Time between neighbouring output tokens, `outputTokens − 1` values. */
  readonly gapsMs?: readonly number[];
}

export interface BenchmarkPoint {
  /** Requests under way at once. */
  readonly concurrency: number;
  /** Without the warm-up. */
  readonly requests: readonly RequestSample[];
}

export interface BenchmarkSamples {
  readonly workload: { readonly inputTokens: number; readonly outputTokens: number };
  readonly points: readonly BenchmarkPoint[];
  /** Peak memory while measuring, in bytes. */
  readonly peakMemoryBytes?: number;
}

export interface TrialTexts {
  readonly texts: readonly { readonly id: string; readonly prompt: string; readonly text: string }[];
}

/** Everything known about one variant; what was not measured is absent. */
export interface VariantScores {
  readonly summary?: SummaryScores;
  readonly perplexity?: PerplexityScores;
  /** Against the baseline of the same recipe. */
  readonly divergence?: DivergenceScores;
  readonly benchmark?: BenchmarkSamples;
  readonly trial?: TrialTexts;
  /** Size of the engine. */
  readonly engineBytes?: number;
}

export interface Interval {
  readonly low: number;
  readonly high: number;
  /** Two-sided, e.g. 0.95. */
  readonly confidence: number;
  readonly method: 'bootstrap-percentile' | 'jackknife-t' | 'wilson';
  /** How many units (samples, windows, tokens) it rests on. */
  readonly n: number;
}

/** What a figure was measured with; two figures are compared only when their protocols are equal. */
export type Protocol = JsonObject;
