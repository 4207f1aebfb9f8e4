import type { Interval } from '../domain/measurement.ts';
import { estimateInterval, type IntervalPlan } from '../metrics/statistics/estimate-interval.ts';
import type { MetricReading } from './metrics/reading.ts';

/** Interval of one figure by itself; null when it has no spread that is known, or below two units. */
export function readingInterval({ spread }: MetricReading, plan: IntervalPlan): Interval | null {
  if (spread.kind === 'none') return null;
  if (spread.kind === 'known') return spread.interval(plan.confidence);
  return estimateInterval(
    { count: spread.ids.length, statistic: spread.over, isSmooth: spread.isSmooth },
    plan,
  );
}
