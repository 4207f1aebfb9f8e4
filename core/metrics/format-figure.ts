import type { MetricUnit } from '../domain/report.ts';

/** A figure with its unit as people read it; the same text on every machine (no locale). */
export function formatFigure(value: number, unit: MetricUnit): string {
  const [digits, suffix] = render[unit](Math.abs(value));
  // A minus sign, not a hyphen; and none before a figure that rounds to zero.
  return `${value < 0 && /[1-9]/.test(digits) ? '−' : ''}${digits}${suffix}`;
}

/** {@link formatFigure} of a difference: with its sign. A difference of shares is in percentage points. */
export function formatChange(value: number, unit: MetricUnit): string {
  const text = formatFigure(value, unit).replace(/ %$/, ' pp');
  return value > 0 && /[1-9]/.test(text) ? `+${text}` : text;
}

/** `−1.10 to +0.20`. */
export function formatChangeRange(range: { low: number; high: number }, unit: MetricUnit): string {
  return `${formatChange(range.low, unit)} to ${formatChange(range.high, unit)}`;
}

/** `12,345`. */
export function formatCount(value: number): string {
  return String(value).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}

const render: { readonly [U in MetricUnit]: (value: number) => [digits: string, suffix: string] } = {
  percent: (value) => [value.toFixed(2), ''],
  share: (value) => [(100 * value).toFixed(value > 0.999 && value < 1 ? 2 : 1), ' %'],
  perplexity: (value) => [value < 100 ? value.toFixed(3) : value.toFixed(1), ''],
  bits: (value) => [value.toFixed(4), ''],
  nats: (value) => [threeDigits(value), ''],
  ms: (value) => [value < 100 ? value.toFixed(1) : value.toFixed(0), ' ms'],
  'tokens/s': (value) => [value < 100 ? value.toFixed(1) : formatCount(Math.round(value)), ' tok/s'],
  tokens: (value) => [value.toFixed(1), ' tokens'],
  bytes: (value) => formatBytes(value),
};

/** Divergences span decades: three significant digits, with an exponent only where zeros would hide them. */
function threeDigits(value: number): string {
  if (value === 0) return '0';
  if (value < 1e-4) return value.toExponential(1).replace('e-', 'e−');
  return value.toFixed(Math.max(0, 2 - Math.floor(Math.log10(value))));
}

function formatBytes(value: number): [string, string] {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let scaled = value;
  let unit = 0;
  while (scaled >= 999.5 && unit < units.length - 1) {
    scaled /= 1000;
    unit++;
  }
  const decimals = unit === 0 || scaled >= 100 ? 0 : scaled >= 10 ? 1 : 2;
  return [scaled.toFixed(decimals), ` ${units[unit]}`];
}
