import { BuildFailure } from '../domain/failures.ts';
import type { DivergenceScores, DivergenceWindow, Interval, WindowProtocol } from '../domain/measurement.ts';
import { sum } from './statistics/mean.ts';
import { percentileOfSorted } from './statistics/percentile.ts';
import { wilsonInterval } from './statistics/wilson-interval.ts';

export interface DivergenceFigures {
  readonly protocol: WindowProtocol;
  /** `full`, or the k of a top-k lower bound. */
  readonly support: 'full' | number;
  readonly windows: number;
  readonly tokens: number;
  /** Mean KL(baseline ‖ variant) a position, nats. */
  readonly mean: number;
  /** Over positions; null when the step kept no value per position. */
  readonly percentiles: {
    readonly median: number;
    readonly p90: number;
    readonly p95: number;
    readonly p99: number;
    readonly max: number;
  } | null;
  /** Share of positions with the same most probable token, 0…1. */
  readonly top1: number;
  readonly top1Interval: Interval | null;
}

/**
 * Aggregates KL divergence and top-1 agreement the way llama.cpp's `llama-perplexity --kl-divergence` reports them.
 * Throws DatasetEmpty when no position was compared.
 */
export function aggregateDivergence({ protocol, support, windows }: DivergenceScores): DivergenceFigures {
  const tokens = sum(windows.map((window) => window.tokens));
  if (tokens === 0) throw new BuildFailure('DatasetEmpty', 'No position was compared with the baseline.');
  const matches = sum(windows.map((window) => window.top1Matches));
  return {
    protocol,
    support,
    windows: windows.length,
    tokens,
    mean: sum(windows.map((window) => window.kldSum)) / tokens,
    percentiles: positionPercentiles(windows),
    top1: matches / tokens,
    top1Interval: wilsonInterval(matches, tokens),
  };
}

function positionPercentiles(windows: readonly DivergenceWindow[]): DivergenceFigures['percentiles'] {
  if (windows.some(({ kld, tokens }) => kld?.length !== tokens)) return null;
  const sorted = Float64Array.from(windows.flatMap(({ kld = [] }) => kld)).sort();
  const at = (q: number): number => percentileOfSorted(sorted, q);
  return { median: at(0.5), p90: at(0.9), p95: at(0.95), p99: at(0.99), max: at(1) };
}
