import type { Interval, Protocol, VariantScores } from '../../domain/measurement.ts';
import type { MetricUnit } from '../../domain/report.ts';
import type { Statistic } from '../../metrics/statistics/resample.ts';

/** One figure of a variant, with what a gate needs to judge it. */
export interface MetricReading {
  readonly metric: string;
  readonly title: string;
  readonly unit: MetricUnit;
  readonly better: 'higher' | 'lower';
  readonly value: number;
  /** Samples, windows, tokens or requests behind it. */
  readonly n: number;
  readonly protocol: Protocol;
  /** How far chance may have moved it. `none`: it is what it is (a size), or its spread is not known. */
  readonly spread: Spread;
}

export type Spread =
  | { readonly kind: 'none' }
  /** Recomputable over any choice of the units it rests on; `ids` name them, so that two readings can be paired. */
  | {
      readonly kind: 'units';
      readonly ids: readonly string[];
      readonly isPairable: boolean;
      readonly isSmooth: boolean;
      readonly over: Statistic;
    }
  | { readonly kind: 'known'; readonly interval: (confidence: number) => Interval | null };

/** Why there is no figure: `missing` is an error; `too-few` means more samples would give one. */
export interface MetricAbsence {
  readonly absent: 'missing' | 'too-few';
  readonly reason: string;
}

export interface MetricFamily {
  /** Every path, for documentation and for the check of a recipe. `@<n>` stands for a concurrency. */
  readonly paths: readonly string[];
  /** Compares with the baseline by its nature, so the baseline itself has none. */
  readonly comparesAlready: boolean;
  /** Null when the path belongs to another family. */
  readonly read: (scores: VariantScores, path: string) => MetricReading | MetricAbsence | null;
}

export function isAbsent(reading: MetricReading | MetricAbsence): reading is MetricAbsence {
  return 'absent' in reading;
}

export function missing(reason: string): MetricAbsence {
  return { absent: 'missing', reason };
}
