import type { DivergenceScores } from '../../domain/measurement.ts';
import { aggregateDivergence, type DivergenceFigures } from '../../metrics/divergence.ts';
import type { Statistic } from '../../metrics/statistics/resample.ts';
import { wilsonInterval } from '../../metrics/statistics/wilson-interval.ts';
import { missing, type MetricAbsence, type MetricFamily, type MetricReading } from './reading.ts';
import { describeWindows, nameWindows } from './window-protocol.ts';

const percentilePaths = {
  'divergence.kld.median': ['KL divergence, median', 'median'],
  'divergence.kld.p90': ['KL divergence, 90th percentile', 'p90'],
  'divergence.kld.p95': ['KL divergence, 95th percentile', 'p95'],
  'divergence.kld.p99': ['KL divergence, 99th percentile', 'p99'],
  'divergence.kld.max': ['KL divergence, largest', 'max'],
} as const;

/** Against the baseline. `kldLowerBound` is all that top-k probabilities allow, and never passes for `kld`. */
export const divergenceFamily: MetricFamily = {
  paths: [
    'divergence.kld.mean',
    ...Object.keys(percentilePaths),
    'divergence.kldLowerBound.mean',
    'divergence.top1',
  ],
  comparesAlready: true,
  read: ({ divergence }, path) => {
    if (!divergenceFamily.paths.includes(path)) return null;
    if (divergence === undefined) return missing('no divergence from the baseline was measured');
    if (divergence.windows.every(({ tokens }) => tokens === 0)) return missing('no position was compared');
    const figures = aggregateDivergence(divergence);
    return path === 'divergence.top1' ? readTop1(figures, divergence) : readKld(figures, divergence, path);
  },
};

function readTop1(figures: DivergenceFigures, { windows }: DivergenceScores): MetricReading {
  const matches = windows.reduce((total, { top1Matches }) => total + top1Matches, 0);
  return {
    metric: 'divergence.top1',
    title: 'Top-1 agreement',
    unit: 'share',
    better: 'higher',
    value: figures.top1,
    n: figures.tokens,
    protocol: describeWindows(figures.protocol),
    spread: { kind: 'known', interval: (confidence) => wilsonInterval(matches, figures.tokens, confidence) },
  };
}

function readKld(
  figures: DivergenceFigures,
  scores: DivergenceScores,
  path: string,
): MetricReading | MetricAbsence {
  const isBound = path === 'divergence.kldLowerBound.mean';
  if (isBound !== (figures.support !== 'full')) {
    return missing(
      isBound
        ? 'the whole vocabulary was compared; use divergence.kld.mean'
        : `only the ${figures.support} most probable tokens were compared, which gives divergence.kldLowerBound.mean`,
    );
  }
  const common = {
    metric: path,
    unit: 'nats',
    better: 'lower',
    n: figures.tokens,
    protocol: { ...describeWindows(figures.protocol), support: figures.support },
  } as const;
  if (path.endsWith('.mean')) {
    const title = isBound
      ? `KL divergence, mean (lower bound, top ${figures.support})`
      : 'KL divergence, mean';
    const ids = nameWindows(scores.windows.length);
    const spread = { kind: 'units', ids, isPairable: true, isSmooth: true, over: meanKldOf(scores) } as const;
    return { ...common, title, value: figures.mean, spread };
  }
  return readPercentile(figures, path, common);
}

type Common = Omit<MetricReading, 'title' | 'value' | 'spread'>;

function readPercentile(
  figures: DivergenceFigures,
  path: string,
  common: Common,
): MetricReading | MetricAbsence {
  if (figures.percentiles === null)
    return missing('the step kept no divergence per position, only per window');
  const row = Object.entries(percentilePaths).find(([name]) => name === path)?.[1];
  const [title, column] = row ?? percentilePaths['divergence.kld.max'];
  return { ...common, title, value: figures.percentiles[column], spread: { kind: 'none' } };
}

/** Positions of one window depend on each other, so windows are the units. */
function meanKldOf({ windows }: DivergenceScores): Statistic {
  return (units) => {
    let kld = 0;
    let tokens = 0;
    for (let i = 0; i < units.length; i++) {
      const unit = units[i] ?? 0;
      kld += windows[unit]?.kldSum ?? Number.NaN;
      tokens += windows[unit]?.tokens ?? Number.NaN;
    }
    return kld / tokens;
  };
}
