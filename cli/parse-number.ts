import { BuildFailure } from '../core/domain/failures.ts';

export function parsePort(flag: string, text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseWhole(flag, text, { least: 1, most: 65_535 });
}

interface Bounds {
  readonly least: number;
  readonly most: number;
}

const whole = { pattern: /^\d+$/, name: 'a whole number' };
const decimal = { pattern: /^\d*\.?\d+(?:e-?\d+)?$/i, name: 'a number' };

/** A flag's value as a whole number within bounds, or UsageInvalid naming the flag. */
export function parseWhole(flag: string, text: string, bounds: Bounds): number {
  return parseAs(whole, text, { flag, ...bounds });
}

/** Like parseWhole, for a number that may have decimals. */
export function parseDecimal(flag: string, text: string, bounds: Bounds): number {
  return parseAs(decimal, text, { flag, ...bounds });
}

function parseAs(
  { pattern, name }: typeof whole,
  text: string,
  { flag, least, most }: Bounds & { readonly flag: string },
): number {
  const value = Number(text);
  if (pattern.test(text) && value >= least && value <= most) return value;
  throw new BuildFailure('UsageInvalid', `${flag} must be ${name} from ${least} to ${most}, not '${text}'`);
}
