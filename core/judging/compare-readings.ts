import { canonicalJson } from '../domain/json.ts';
import type { Interval } from '../domain/measurement.ts';
import { allUnits, estimateInterval, type IntervalPlan } from '../metrics/statistics/estimate-interval.ts';
import type { Statistic } from '../metrics/statistics/resample.ts';
import { missing, type MetricAbsence, type MetricReading, type Spread } from './metrics/reading.ts';

export interface Comparison {
  readonly value: number;
  /** Null when the metric has no units to resample. */
  readonly interval: Interval | null;
  /** Pairs behind it. */
  readonly n: number;
}

/** How two figures over the same units become one. */
export type Relation = (candidate: number, baseline: number) => number;

export const difference: Relation = (candidate, baseline) => candidate - baseline;
export const ratio: Relation = (candidate, baseline) => candidate / baseline;

export interface Readings {
  readonly candidate: MetricReading;
  readonly baseline: MetricReading;
}

/**
 * Relates two readings of one metric, units resampled in pairs: what makes a sample hard makes it hard for both and
 * cancels. Absent when protocols or samples are not the same.
 */
export function compareReadings(
  readings: Readings,
  relation: Relation,
  plan: IntervalPlan,
): Comparison | MetricAbsence {
  const { candidate, baseline } = readings;
  if (canonicalJson(candidate.protocol) !== canonicalJson(baseline.protocol)) {
    return missing('it and the baseline were measured by different protocols');
  }
  const value = relation(candidate.value, baseline.value);
  if (candidate.spread.kind !== 'units' || baseline.spread.kind !== 'units') {
    return { value, interval: null, n: candidate.n };
  }
  const places = matchUnits(candidate.spread.ids, baseline.spread.ids);
  if (places === null) return missing('it and the baseline were not measured on the same samples');
  const statistic = pairedStatistic(
    { candidate: candidate.spread, baseline: baseline.spread, places },
    relation,
  );
  const estimate = { count: places.length, statistic, isSmooth: candidate.spread.isSmooth };
  return {
    value: statistic(allUnits(places.length)),
    interval: estimateInterval(estimate, plan),
    n: places.length,
  };
}

type UnitSpread = Extract<Spread, { kind: 'units' }>;

interface Paired {
  readonly candidate: UnitSpread;
  readonly baseline: UnitSpread;
  /** For each unit of the baseline, where the candidate has it. */
  readonly places: Uint32Array;
}

function pairedStatistic({ candidate, baseline, places }: Paired, relation: Relation): Statistic {
  const moved = new Map<number, Uint32Array>();
  return (units) => {
    const mine = moved.get(units.length) ?? new Uint32Array(units.length);
    moved.set(units.length, mine);
    for (let i = 0; i < units.length; i++) mine[i] = places[units[i] ?? 0] ?? 0;
    return relation(candidate.over(mine), baseline.over(units));
  };
}

function matchUnits(candidate: readonly string[], baseline: readonly string[]): Uint32Array | null {
  const places = new Map(candidate.map((id, place) => [id, place]));
  const isSame =
    places.size === candidate.length &&
    candidate.length === baseline.length &&
    new Set(baseline).size === baseline.length;
  if (!isSame || baseline.some((id) => !places.has(id))) return null;
  return Uint32Array.from(baseline, (id) => places.get(id) ?? 0);
}
