import type { PerplexityScores } from '../../domain/measurement.ts';
import type { MetricUnit } from '../../domain/report.ts';
import { aggregatePerplexity, pooledPerplexityOf } from '../../metrics/perplexity.ts';
import { meanOf } from '../../metrics/statistics/paired-bootstrap.ts';
import type { Statistic } from '../../metrics/statistics/resample.ts';
import { missing, type MetricFamily } from './reading.ts';
import { describeWindows, nameWindows } from './window-protocol.ts';

interface Variety {
  readonly title: string;
  readonly unit: MetricUnit;
  readonly over: (scores: PerplexityScores) => Statistic;
}

const varieties: { readonly [path: string]: Variety } = {
  perplexity: { title: 'Perplexity', unit: 'perplexity', over: ({ windows }) => pooledPerplexityOf(windows) },
  'perplexity.meanOfWindows': {
    title: 'Perplexity, mean of windows',
    unit: 'perplexity',
    over: ({ windows }) => meanOf(Float64Array.from(windows, ({ nll, tokens }) => Math.exp(nll / tokens))),
  },
  'perplexity.bitsPerByte': { title: 'Bits per byte', unit: 'bits', over: bitsPerByteOf },
};

/** `perplexity` pools all tokens. All rest on windows, which are paired by their place in the text. */
export const perplexityFamily: MetricFamily = {
  paths: Object.keys(varieties),
  comparesAlready: false,
  read: ({ perplexity }, path) => {
    const variety = Object.hasOwn(varieties, path) ? varieties[path] : undefined;
    if (variety === undefined) return null;
    if (perplexity === undefined) return missing('no perplexity was measured');
    const windows = perplexity.windows.filter(({ tokens }) => tokens > 0);
    if (windows.length === 0) return missing('no window of the text has a scored token');
    const scores = { ...perplexity, windows };
    const figures = aggregatePerplexity(scores);
    const value =
      { perplexity: figures.pooled, 'perplexity.meanOfWindows': figures.meanOfWindows }[path] ??
      figures.bitsPerByte;
    if (value === null) return missing('the protocol does not tell the bytes of the text');
    return {
      metric: path,
      title: variety.title,
      unit: variety.unit,
      better: 'lower',
      value,
      n: windows.length,
      protocol: describeWindows(perplexity.protocol),
      spread: {
        kind: 'units',
        ids: nameWindows(windows.length),
        isPairable: true,
        isSmooth: true,
        over: variety.over(scores),
      },
    };
  },
};

/** Bytes are known for the whole text only; a window counts its share of the tokens. */
function bitsPerByteOf({ protocol, windows }: PerplexityScores): Statistic {
  const tokens = windows.reduce((total, window) => total + window.tokens, 0);
  const bitsPerNat = tokens / (Math.LN2 * (protocol.textBytes ?? Number.NaN));
  const pooled = pooledPerplexityOf(windows);
  return (units) => Math.log(pooled(units)) * bitsPerNat;
}
