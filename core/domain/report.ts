import type { JsonObject } from './json.ts';
import type { Interval, Protocol } from './measurement.ts';
import type { MergeProof } from './merge-proof.ts';
import type { MergeReport } from './merge-report.ts';
import type { QuantizedEvent } from './quantize-pieces.ts';
import type { Verdict } from './run-result.ts';

/**
 * report.json: the only source of report.html, report.md and junit.xml. Free of clock and host except in `run`, so
 * that two runs with the same outcome give the same bytes once `run` is left out.
 */
export interface Report {
  readonly formatVersion: 1;
  readonly recipe: { readonly name: string; readonly digest?: string };
  /** `pass` when at least one candidate passed; see core/judging/run-verdict.ts. */
  readonly verdict: Verdict;
  /** The outcome in one or two sentences. */
  readonly headline: string;
  readonly baseline: string;
  readonly gates: readonly ReportGate[];
  readonly variants: readonly ReportVariant[];
  /** Difference between two runs of the baseline; null when it was run once. */
  readonly noiseFloor: { readonly [metric: string]: number } | null;
  /** Null when nothing was merged. */
  /** Null when nothing was merged. */
  readonly merge: MergeReport | null;
  readonly mergeProof: MergeProof | null;
  readonly statistics: { readonly confidence: number; readonly resamples: number; readonly seed: number };
  readonly datasets: readonly { readonly role: string; readonly digest: string }[];
  readonly run?: ReportRun;
}

/** What differs between two runs with the same outcome. Times are ISO 8601 in UTC. */
export interface ReportRun {
  readonly id: string;
  readonly startedAt?: string;
  readonly finishedAt?: string;
  readonly facts?: JsonObject;
}

export interface ReportGate {
  readonly metric: string;
  readonly rule: string;
  readonly bound: number;
}

export interface GateVerdict extends ReportGate {
  readonly verdict: Verdict;
  /** What was found and what it was held against, in plain words. */
  readonly sentence: string;
  /** The judged figure; null when it could not be had. */
  readonly value: number | null;
  readonly interval: Interval | null;
}

export interface ReportVariant {
  readonly name: string;
  readonly isBaseline: boolean;
  /** Quantization in words. */
  readonly quantization: string;
  /** Size of the engine in bytes. */
  readonly bytes: number | null;
  readonly verdict: Verdict;
  readonly gates: readonly GateVerdict[];
  readonly metrics: readonly ReportMetric[];
  readonly benchmark: readonly ReportBenchmarkPoint[];
  /** Samples that lost most against the baseline, worst first. */
  readonly worst: readonly WorstSample[];
  readonly degenerate: readonly DegenerateText[];
  /** How far our own quantization moved the weights, worst tensors first; empty where the toolchain quantized. */
  readonly tensorErrors: readonly TensorError[];
  readonly artifacts: readonly ReportArtifact[];
  /** Name, version, image digest, library hashes … of what built it. */
  readonly toolchain: JsonObject | null;
  /** Why there is no engine to judge. */
  readonly failure: { readonly name: string; readonly message: string } | null;
}

export interface ReportMetric {
  /** Path as gates name it, e.g. `divergence.kld.mean`. */
  readonly metric: string;
  readonly title: string;
  readonly unit: MetricUnit;
  readonly better: 'higher' | 'lower';
  readonly value: number;
  /** Of the value itself; null when it has no spread that is known. */
  readonly interval: Interval | null;
  /** Samples, windows, tokens or requests behind it. */
  readonly n: number;
  /** Dialect and tokenizer of a ROUGE figure; window, stride and text digest of a perplexity. */
  readonly protocol: Protocol;
  /** ROUGE only: what the dialect's own tool would print for these samples, in percent. */
  readonly reported?: number;
  /** Against the baseline, in the metric's unit; null for the baseline and for metrics that compare already. */
  readonly change: {
    readonly value: number;
    readonly interval: Interval | null;
    readonly aboveNoise: boolean;
  } | null;
}

export type MetricUnit =
  | 'percent'
  | 'share'
  | 'perplexity'
  | 'bits'
  | 'nats'
  | 'ms'
  | 'tokens/s'
  | 'bytes'
  | 'tokens';

export interface ReportBenchmarkPoint {
  readonly concurrency: number;
  readonly requests: number;
  readonly outputTokensPerSecond: number;
  readonly ttftMs: PercentileRow;
  readonly itlMs: PercentileRow | null;
  readonly latencyMs: PercentileRow;
}

/** Null where there are too few samples to tell. */
export interface PercentileRow {
  readonly n: number;
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

export interface WorstSample {
  readonly id: string;
  readonly metric: string;
  readonly reference: string;
  readonly baseline: { readonly text: string; readonly score: number };
  readonly variant: { readonly text: string; readonly score: number };
}

export type TensorError = Omit<QuantizedEvent, 'event'>;

export interface DegenerateText {
  readonly id: string;
  readonly reason: string;
  readonly text: string;
}

export interface ReportArtifact {
  readonly role: string;
  readonly digest: string;
  readonly bytes?: number;
}
