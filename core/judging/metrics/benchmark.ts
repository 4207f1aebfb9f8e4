import type { BenchmarkPoint, BenchmarkSamples, VariantScores } from '../../domain/measurement.ts';
import type { MetricUnit } from '../../domain/report.ts';
import { aggregatePoint, type Percentiles, type PointFigures } from '../../metrics/throughput.ts';
import { missing, type MetricAbsence, type MetricFamily, type MetricReading } from './reading.ts';

const timings = {
  ttft: ['Time to first token', 'ttftMs'],
  itl: ['Time between tokens', 'itlMs'],
  tpot: ['Time per output token', 'tpotMs'],
  latency: ['End-to-end latency', 'latencyMs'],
} as const;
const columns = ['p50', 'p95', 'p99'] as const;

const names = [
  'tokensPerSecond',
  ...Object.keys(timings).flatMap((timing) => columns.map((column) => `${timing}.${column}`)),
];

/**
 * `benchmark.<name>` at the lowest concurrency measured, `benchmark@8.<name>` at concurrency 8. Their spread is not
 * known: requests of one point share the machine, so they are no independent samples.
 */
export const benchmarkFamily: MetricFamily = {
  paths: [...names.flatMap((name) => [`benchmark.${name}`, `benchmark@<n>.${name}`]), 'benchmark.peakMemory'],
  comparesAlready: false,
  read: ({ benchmark }, path) => {
    const [, concurrency, name = ''] = /^benchmark(?:@([1-9]\d*))?\.(.+)$/.exec(path) ?? [];
    if (!names.includes(name)) return path === 'benchmark.peakMemory' ? readMemory({ benchmark }) : null;
    if (benchmark === undefined) return missing('no benchmark was run');
    const point = findPoint(benchmark, concurrency);
    if (point === undefined || point.requests.length === 0) {
      return missing(`no request was measured at concurrency ${concurrency ?? 'of any kind'}`);
    }
    return readPoint(aggregatePoint(point), { name, path, workload: benchmark.workload });
  },
};

function findPoint(
  { points }: BenchmarkSamples,
  concurrency: string | undefined,
): BenchmarkPoint | undefined {
  if (concurrency !== undefined) return points.find((point) => point.concurrency === Number(concurrency));
  return points.toSorted((a, b) => a.concurrency - b.concurrency)[0];
}

interface Asked {
  readonly name: string;
  readonly path: string;
  readonly workload: BenchmarkSamples['workload'];
}

function readPoint(figures: PointFigures, { name, path, workload }: Asked): MetricReading | MetricAbsence {
  const { concurrency, requests } = figures;
  const protocol = { concurrency, inputTokens: workload.inputTokens, outputTokens: workload.outputTokens };
  const common = { metric: path, n: requests, protocol, spread: { kind: 'none' } } as const;
  const at = `at concurrency ${concurrency}`;
  if (name === 'tokensPerSecond') {
    const title = `Output tokens per second ${at}`;
    return { ...common, title, unit: 'tokens/s', better: 'higher', value: figures.outputTokensPerSecond };
  }
  const [timing, column] = findTiming(name);
  const percentiles: Percentiles | null = figures[timing[1]];
  if (percentiles === null) return missing(`the tool recorded no times for ${timing[0].toLowerCase()}`);
  const value = percentiles[column];
  if (value === null) {
    return {
      absent: 'too-few',
      reason: `${percentiles.n} values are too few to tell their ${column.replace('p', '')}th percentile`,
    };
  }
  const unit: MetricUnit = 'ms';
  return {
    ...common,
    title: `${timing[0]}, ${column} ${at}`,
    unit,
    better: 'lower',
    value,
    n: percentiles.n,
  };
}

function findTiming(name: string): [(typeof timings)[keyof typeof timings], (typeof columns)[number]] {
  const timing = Object.entries(timings).find(([key]) => name.startsWith(`${key}.`))?.[1] ?? timings.latency;
  return [timing, columns.find((column) => name.endsWith(column)) ?? 'p50'];
}

function readMemory({ benchmark }: { benchmark: VariantScores['benchmark'] }): MetricReading | MetricAbsence {
  if (benchmark?.peakMemoryBytes === undefined) return missing('no peak of memory was recorded');
  return {
    metric: 'benchmark.peakMemory',
    title: 'Peak memory',
    unit: 'bytes',
    better: 'lower',
    value: benchmark.peakMemoryBytes,
    n: 1,
    protocol: { ...benchmark.workload },
    spread: { kind: 'none' },
  };
}
