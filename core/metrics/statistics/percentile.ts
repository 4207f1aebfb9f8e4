/**
 * The q-quantile (0…1) by linear interpolation between closest ranks: position (n − 1)·q in the sorted values
 * (definition 7 of Hyndman and Fan 1996, NumPy's default, also its rounding). NaN for no values.
 * @param sorted ascending
 */
export function percentileOfSorted(sorted: ArrayLike<number>, q: number): number {
  const position = (sorted.length - 1) * q;
  const below = Math.floor(position);
  const low = sorted[below] ?? Number.NaN;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] ?? Number.NaN;
  const part = position - below;
  return part >= 0.5 ? high - (high - low) * (1 - part) : low + (high - low) * part;
}

/** {@link percentileOfSorted} of values in any order, which it leaves as they are. */
export function percentile(values: ArrayLike<number>, q: number): number {
  return percentileOfSorted(Float64Array.from(values).sort(), q);
}

/**
 * Whether n values can tell their q-quantile: at least ten must lie beyond it, so p95 needs 200 and p99 needs
 * 1,000. The median and below always can.
 */
export function canTellPercentile(n: number, q: number): boolean {
  return n > 0 && (q <= 0.5 || n * (1 - q) >= 10 - 1e-9);
}
