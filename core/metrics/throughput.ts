import { BuildFailure } from '../domain/failures.ts';
import type { BenchmarkPoint, RequestSample } from '../domain/measurement.ts';
import { sum } from './statistics/mean.ts';
import { canTellPercentile, percentileOfSorted } from './statistics/percentile.ts';

export interface Percentiles {
  /** Values behind it. */
  readonly n: number;
  readonly mean: number;
  readonly p50: number | null;
  /** Null with too few values to tell, like p99. */
  readonly p95: number | null;
  readonly p99: number | null;
}

export interface PointFigures {
  readonly concurrency: number;
  readonly requests: number;
  /** Output tokens of all requests over the time from the first send to the last token. */
  readonly outputTokensPerSecond: number;
  readonly requestsPerSecond: number;
  /** Time to the first token. */
  readonly ttftMs: Percentiles;
  /** Gaps between output tokens; null when the tool recorded none. */
  readonly itlMs: Percentiles | null;
  /** (end-to-end − TTFT)/(output tokens − 1), over requests with at least two tokens. */
  readonly tpotMs: Percentiles | null;
  /** End to end: last token − send. */
  readonly latencyMs: Percentiles;
}

/**
 * All figures of one benchmark point from its raw requests, one definition for every toolchain (percentiles by
 * linear interpolation). Throws DatasetEmpty for no requests, ToolFailed for times that run backwards.
 */
export function aggregatePoint({ concurrency, requests }: BenchmarkPoint): PointFigures {
  if (requests.length === 0)
    throw new BuildFailure('DatasetEmpty', `No request was measured at concurrency ${concurrency}.`);
  for (const request of requests) checkOrder(request, concurrency);
  const seconds = makespanSeconds(requests);
  return {
    concurrency,
    requests: requests.length,
    outputTokensPerSecond: sum(requests.map(({ outputTokens }) => outputTokens)) / seconds,
    requestsPerSecond: requests.length / seconds,
    ttftMs: percentiles(requests.map(ttft)),
    itlMs: percentilesOrNull(requests.flatMap(({ gapsMs = [] }) => gapsMs)),
    tpotMs: percentilesOrNull(requests.filter(({ outputTokens }) => outputTokens > 1).map(timePerToken)),
    latencyMs: percentiles(requests.map(latency)),
  };
}

function ttft({ sentMs, firstTokenMs }: RequestSample): number {
  return firstTokenMs - sentMs;
}

function latency({ sentMs, lastTokenMs }: RequestSample): number {
  return lastTokenMs - sentMs;
}

function timePerToken(request: RequestSample): number {
  return (latency(request) - ttft(request)) / (request.outputTokens - 1);
}

function makespanSeconds(requests: readonly RequestSample[]): number {
  const start = requests.reduce((least, { sentMs }) => Math.min(least, sentMs), Number.POSITIVE_INFINITY);
  const end = requests.reduce(
    (most, { lastTokenMs }) => Math.max(most, lastTokenMs),
    Number.NEGATIVE_INFINITY,
  );
  return (end - start) / 1000;
}

function checkOrder({ sentMs, firstTokenMs, lastTokenMs }: RequestSample, concurrency: number): void {
  if (sentMs <= firstTokenMs && firstTokenMs <= lastTokenMs && sentMs < lastTokenMs) return;
  throw new BuildFailure(
    'ToolFailed',
    `A request at concurrency ${concurrency} has times out of order: sent ${sentMs} ms, first token ${firstTokenMs} ms, last token ${lastTokenMs} ms.`,
  );
}

function percentilesOrNull(values: readonly number[]): Percentiles | null {
  return values.length === 0 ? null : percentiles(values);
}

function percentiles(values: readonly number[]): Percentiles {
  const sorted = Float64Array.from(values).sort();
  const at = (q: number): number | null =>
    canTellPercentile(sorted.length, q) ? percentileOfSorted(sorted, q) : null;
  return { n: sorted.length, mean: sum(sorted) / sorted.length, p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}
