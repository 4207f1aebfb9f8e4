/** Maps values to places on an axis, with round ticks. */
export interface LinearScale {
  readonly place: (value: number) => number;
  readonly ticks: readonly number[];
}

/** @param pixels where the ends of the axis lie; the first may be the larger (an upward axis). */
export function createScale(
  values: readonly number[],
  pixels: readonly [start: number, end: number],
  count = 5,
): LinearScale {
  const low = values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
  const high = values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  // One value alone still needs an axis around it.
  const half = high === low ? Math.max(Math.abs(high) * 0.1, 1e-6) : 0;
  const step = roundStep((high - low + 2 * half) / count);
  const first = Math.floor((low - half) / step + 1e-9);
  const last = Math.ceil((high + half) / step - 1e-9);
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
  const [start, end] = pixels;
  return {
    place: (value) => round(start + ((value / step - first) / (last - first)) * (end - start)),
    ticks,
  };
}

/** 1, 2 or 5 times a power of ten. */
function roundStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 5].find((candidate) => candidate * power >= rough * 0.999) ?? 10;
  return factor * power;
}

/** A tenth of a pixel is enough, and short. */
function round(pixel: number): number {
  return Math.round(pixel * 10) / 10;
}

/** Decimals that tell neighbouring ticks apart. */
export function tickLabel(tick: number, ticks: readonly number[]): string {
  const step = Math.abs((ticks[1] ?? 1) - (ticks[0] ?? 0));
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const text = Math.abs(tick).toFixed(decimals);
  return tick < 0 && /[1-9]/.test(text) ? `−${text}` : text;
}
