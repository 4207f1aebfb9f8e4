import type { Interval } from '../../domain/measurement.ts';
import { normalQuantile } from './normal-quantile.ts';

/** Interval of a rate (Wilson 1927): never leaves 0…1 and holds for rates near both ends. Null for no trials. */
export function wilsonInterval(hits: number, n: number, confidence = 0.95): Interval | null {
  if (n <= 0) return null;
  const z = normalQuantile(1 - (1 - confidence) / 2);
  const rate = hits / n;
  const scale = 1 + (z * z) / n;
  const centre = (rate + (z * z) / (2 * n)) / scale;
  const half = (z * Math.sqrt((rate * (1 - rate)) / n + (z * z) / (4 * n * n))) / scale;
  // At the ends the exact bound is the end itself; rounding must not put it beside.
  const low = hits === 0 ? 0 : Math.max(0, centre - half);
  const high = hits === n ? 1 : Math.min(1, centre + half);
  return { low, high, confidence, method: 'wilson', n };
}
