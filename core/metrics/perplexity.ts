import type { Interval, PerplexityScores, WindowProtocol } from '../domain/measurement.ts';
import { BuildFailure } from '../domain/failures.ts';
import { defaultIntervalPlan, estimateInterval, type IntervalPlan } from './statistics/estimate-interval.ts';
import { mean, sum } from './statistics/mean.ts';

export interface PerplexityFigures {
  readonly protocol: WindowProtocol;
  readonly windows: number;
  readonly tokens: number;
  /** exp of the mean −ln p over all scored tokens. */
  readonly pooled: number;
  /** Arithmetic mean of the windows' own perplexities, what TensorRT-LLM's summarize.py prints; always ≥ pooled
   * for windows of one length. */
  readonly meanOfWindows: number;
  /** Σ −ln p / (ln 2 · bytes): comparable across tokenizers. Null when the protocol does not tell the bytes. */
  readonly bitsPerByte: number | null;
}

/** Throws DatasetEmpty when nothing was scored. */
export function aggregatePerplexity({ protocol, windows }: PerplexityScores): PerplexityFigures {
  const scored = windows.filter(({ tokens }) => tokens > 0);
  if (scored.length === 0)
    throw new BuildFailure('DatasetEmpty', 'No window of the perplexity text has a scored token.');
  const nll = sum(scored.map((window) => window.nll));
  const tokens = sum(scored.map((window) => window.tokens));
  return {
    protocol,
    windows: scored.length,
    tokens,
    pooled: Math.exp(nll / tokens),
    meanOfWindows: mean(scored.map((window) => Math.exp(window.nll / window.tokens))),
    bitsPerByte: protocol.textBytes === undefined ? null : nll / (Math.LN2 * protocol.textBytes),
  };
}

/** Pooled perplexity over chosen windows, by index. */
export function pooledPerplexityOf(
  windows: PerplexityScores['windows'],
): (units: ArrayLike<number>) => number {
  const nll = Float64Array.from(windows, (window) => window.nll);
  const tokens = Float64Array.from(windows, (window) => window.tokens);
  return (units) => {
    let nllSum = 0;
    let tokenSum = 0;
    for (let i = 0; i < units.length; i++) {
      nllSum += nll[units[i] ?? 0] ?? Number.NaN;
      tokenSum += tokens[units[i] ?? 0] ?? Number.NaN;
    }
    return Math.exp(nllSum / tokenSum);
  };
}

export interface PerplexityComparison {
  /** candidate / baseline, both pooled. */
  readonly ratio: number;
  readonly ratioInterval: Interval | null;
  /** candidate − baseline, both pooled. */
  readonly delta: number;
  readonly deltaInterval: Interval | null;
}

/**
 * Compares two perplexities over the same windows: both are resampled together, so what makes a window hard cancels.
 * Throws InternalError when windows do not match one to one.
 */
export function comparePerplexity(
  candidate: PerplexityScores,
  baseline: PerplexityScores,
  plan: IntervalPlan = defaultIntervalPlan,
): PerplexityComparison {
  const count = candidate.windows.length;
  if (count === 0 || count !== baseline.windows.length) {
    throw new BuildFailure(
      'InternalError',
      `${count} windows cannot be paired with ${baseline.windows.length}.`,
    );
  }
  const [of, ofBaseline] = [pooledPerplexityOf(candidate.windows), pooledPerplexityOf(baseline.windows)];
  const ratio = (units: ArrayLike<number>): number => of(units) / ofBaseline(units);
  const delta = (units: ArrayLike<number>): number => of(units) - ofBaseline(units);
  const every = Uint32Array.from({ length: count }, (_, i) => i);
  return {
    ratio: ratio(every),
    ratioInterval: estimateInterval({ count, statistic: ratio, isSmooth: true }, plan),
    delta: delta(every),
    deltaInterval: estimateInterval({ count, statistic: delta, isSmooth: true }, plan),
  };
}
