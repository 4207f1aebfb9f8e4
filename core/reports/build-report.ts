import type { JsonObject } from '../domain/json.ts';
import type { VariantScores } from '../domain/measurement.ts';
import type {
  Report,
  ReportArtifact,
  ReportBenchmarkPoint,
  ReportGate,
  ReportRun,
  ReportVariant,
} from '../domain/report.ts';
import { judgeVariant } from '../judging/judge-variant.ts';
import { runVerdict } from '../judging/run-verdict.ts';
import { worstVerdict } from '../judging/verdict-order.ts';
import { defaultIntervalPlan } from '../metrics/statistics/estimate-interval.ts';
import { aggregatePoint, type Percentiles } from '../metrics/throughput.ts';
import { describeMetrics, measureNoiseFloor, standardMetrics } from './report-metrics.ts';
import { findDegenerateTexts, findWorstSamples } from './worst-samples.ts';
import { writeHeadline } from './write-headline.ts';

export interface ReportInput {
  readonly recipe: Report['recipe'];
  readonly gates: readonly ReportGate[];
  /** Name of the variant all others are judged against. */
  readonly baseline: string;
  readonly variants: readonly VariantInput[];
  /** Scores of a second run of the baseline. */
  readonly baselineRepeat?: VariantScores;
  readonly datasets?: Report['datasets'];
  readonly merge?: Report['merge'];
  readonly mergeProof?: Report['mergeProof'];
  readonly run?: ReportRun;
}

export interface VariantInput {
  readonly name: string;
  /** Quantization in words. */
  readonly quantization: string;
  readonly scores: VariantScores;
  /** Worst first. */
  readonly tensorErrors?: ReportVariant['tensorErrors'];
  readonly artifacts?: readonly ReportArtifact[];
  readonly toolchain?: JsonObject;
  /** Why there is nothing to judge. */
  readonly failure?: { readonly name: string; readonly message: string };
}

/** How many of the worst samples, degenerate texts and worst tensors a report keeps per variant. */
const keptTexts = 5;

/**
 * Judges every variant and gathers all that report.json holds. A variant that failed, and every gate that needs a
 * baseline which is not there, gets the verdict `error`; nothing throws for want of scores.
 */
export function buildReport(input: ReportInput): Report {
  const paths = [...new Set([...standardMetrics, ...input.gates.map(({ metric }) => metric)])];
  const baseline = input.variants.find(({ name }) => name === input.baseline)?.scores ?? {};
  const repeat = input.baselineRepeat;
  const noiseFloor = repeat === undefined ? null : measureNoiseFloor(paths, { baseline, repeat });
  const scene = { input, paths, baseline, noiseFloor };
  const variants = input.variants.map((variant) => describeVariant(variant, scene));
  const { confidence, resamples, seed } = defaultIntervalPlan;
  return {
    formatVersion: 1,
    recipe: input.recipe,
    verdict: runVerdict(variants),
    headline: writeHeadline(variants, input.gates.length),
    baseline: input.baseline,
    gates: input.gates.map(({ metric, rule, bound }) => ({ metric, rule, bound })),
    variants,
    noiseFloor,
    merge: input.merge ?? null,
    mergeProof: input.mergeProof ?? null,
    statistics: { confidence, resamples, seed },
    datasets: input.datasets ?? [],
    ...(input.run && { run: input.run }),
  };
}

interface Scene {
  readonly input: ReportInput;
  readonly paths: readonly string[];
  readonly baseline: VariantScores;
  readonly noiseFloor: { readonly [metric: string]: number } | null;
}

function describeVariant(
  variant: VariantInput,
  { input, paths, baseline, noiseFloor }: Scene,
): ReportVariant {
  const { name, scores, failure = null } = variant;
  const isBaseline = name === input.baseline;
  const gates =
    failure === null
      ? judgeVariant({ gates: input.gates, candidate: scores, baseline, isBaseline, noiseFloor })
      : [];
  return {
    name,
    isBaseline,
    quantization: variant.quantization,
    bytes: scores.engineBytes ?? null,
    verdict: failure === null ? worstVerdict(gates.map(({ verdict }) => verdict)) : 'error',
    gates,
    metrics: describeMetrics(paths, { scores, baseline, isBaseline, noiseFloor: noiseFloor ?? {} }),
    benchmark: describeBenchmark(scores),
    worst: isBaseline ? [] : findWorstSamples({ variant: scores, baseline }, 'rouge1', keptTexts),
    degenerate: findDegenerateTexts(scores, keptTexts),
    tensorErrors: (variant.tensorErrors ?? []).slice(0, keptTexts),
    artifacts: variant.artifacts ?? [],
    toolchain: variant.toolchain ?? null,
    failure,
  };
}

function describeBenchmark({ benchmark }: VariantScores): ReportBenchmarkPoint[] {
  const points = (benchmark?.points ?? []).filter(({ requests }) => requests.length > 0);
  return points.map((point) => {
    const { concurrency, requests, outputTokensPerSecond, ttftMs, itlMs, latencyMs } = aggregatePoint(point);
    return {
      concurrency,
      requests,
      outputTokensPerSecond,
      ttftMs: rowOf(ttftMs),
      itlMs: itlMs && rowOf(itlMs),
      latencyMs: rowOf(latencyMs),
    };
  });
}

function rowOf({ n, p50, p95, p99 }: Percentiles): ReportBenchmarkPoint['ttftMs'] {
  return { n, p50, p95, p99 };
}
