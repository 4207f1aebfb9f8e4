import type { Report, ReportMetric } from '../domain/report.ts';
import { formatCount } from '../metrics/format-figure.ts';
import { findMetric } from './render-table.ts';

/** How the figures were measured, one sentence each: no ROUGE without its dialect, no perplexity without its windows. */
export function describeProtocols(report: Report): string[] {
  return describers.flatMap(({ metric, describe }) => {
    const found = report.variants
      .map((variant) => findMetric(variant, metric))
      .filter((entry) => entry !== undefined);
    return [...new Set(found.map(describe))];
  });
}

const describers: readonly { metric: string; describe: (metric: ReportMetric) => string }[] = [
  {
    metric: 'rouge1',
    describe: ({ protocol, n }) =>
      `ROUGE: dialect ${text(protocol['dialect'])}, tokenizer ${text(protocol['tokenizer'])}, mean F over ${formatCount(n)} samples, in percent.`,
  },
  {
    metric: 'perplexity',
    describe: ({ protocol, n }) => `Perplexity: pooled over ${formatCount(n)} windows ${windows(protocol)}.`,
  },
  {
    metric: 'divergence.kld.mean',
    describe: ({ protocol, n }) =>
      `KL divergence and top-1 agreement: against the baseline at ${formatCount(n)} positions, windows ${windows(protocol)}; KL in nats.`,
  },
  {
    metric: 'divergence.kldLowerBound.mean',
    describe: ({ protocol }) =>
      `KL divergence: a lower bound from the ${text(protocol['support'])} most probable tokens, windows ${windows(protocol)}.`,
  },
  {
    metric: 'benchmark.tokensPerSecond',
    describe: ({ protocol }) =>
      `Speed: ${text(protocol['inputTokens'])} tokens in, ${text(protocol['outputTokens'])} out, concurrency ${text(protocol['concurrency'])} in the table; percentiles by linear interpolation.`,
  },
];

function windows(protocol: ReportMetric['protocol']): string {
  return `of ${text(protocol['window'])} tokens, stride ${text(protocol['stride'])}, text ${text(protocol['textDigest']).slice(0, 12)}`;
}

function text(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '?';
}
