import { rougeMetrics, type RougeMetric } from '../../domain/measurement.ts';
import { mean } from '../../metrics/statistics/mean.ts';
import { meanOf } from '../../metrics/statistics/paired-bootstrap.ts';
import { missing, type MetricFamily } from './reading.ts';

const titles: { readonly [M in RougeMetric]: string } = {
  rouge1: 'ROUGE-1',
  rouge2: 'ROUGE-2',
  rougeL: 'ROUGE-L',
  rougeLsum: 'ROUGE-Lsum',
};

/** Plain means of the samples' F, in percent; their protocol is dialect and tokenizer. */
export const rougeFamily: MetricFamily = {
  paths: rougeMetrics,
  comparesAlready: false,
  read: ({ summary }, path) => {
    const metric = rougeMetrics.find((name) => name === path);
    if (metric === undefined) return null;
    if (summary === undefined || summary.samples.length === 0) return missing('no summaries were scored');
    const scores = Float64Array.from(summary.samples, (sample) => sample[metric]);
    return {
      metric,
      title: titles[metric],
      unit: 'percent',
      better: 'higher',
      value: mean(scores),
      n: scores.length,
      protocol: {
        dialect: summary.dialect,
        tokenizer: summary.tokenizer,
        ...(summary.dataset && { dataset: summary.dataset.digest }),
        ...(summary.maxNewTokens !== undefined && { maxNewTokens: summary.maxNewTokens }),
      },
      spread: {
        kind: 'units',
        ids: summary.samples.map(({ id }) => id),
        isPairable: true,
        isSmooth: true,
        over: meanOf(scores),
      },
    };
  },
};
