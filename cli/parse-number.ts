import { BuildFailure } from '../core/domain/failures.ts';

export function parsePort(flag: string, text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseWhole(flag, text, { least: 1, most: 65_535 });
}

/** A flag's value as a whole number within bounds, or UsageInvalid naming the flag. */
export function parseWhole(
  flag: string,
  text: string,
  { least, most }: { readonly least: number; readonly most: number },
): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new BuildFailure(
    'UsageInvalid',
    `${flag} must be a whole number from ${least} to ${most}, not '${text}'`,
  );
}

/** Like parseWhole, for a number that may have decimals. */
export function parseDecimal(
  flag: string,
  text: string,
  { least, most }: { readonly least: number; readonly most: number },
): number {
  const value = Number(text);
  if (/^\d*\.?\d+(?:e-?\d+)?$/i.test(text) && value >= least && value <= most) return value;
  throw new BuildFailure('UsageInvalid', `${flag} must be a number from ${least} to ${most}, not '${text}'`);
}
