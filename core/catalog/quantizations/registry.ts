import { z } from 'zod';
import { awq } from './awq.ts';
import { gptq } from './gptq.ts';
import { none } from './none.ts';
import { rtn } from './rtn.ts';
import { smoothquant } from './smoothquant.ts';
import { weightOnly } from './weight-only.ts';

/** The list of quantizations. The recipe's union, the toolchains' tables and the docs derive from it. */
export const quantizations = [none, weightOnly, rtn, gptq, awq, smoothquant] as const;

export const QuantizationOptions = z.discriminatedUnion('method', [
  none.Options,
  weightOnly.Options,
  rtn.Options,
  gptq.Options,
  awq.Options,
  smoothquant.Options,
]);
export type QuantizationOptions = z.output<typeof QuantizationOptions>;
export type Method = (typeof quantizations)[number]['method'];
export type OptionsOf<M extends Method> = Extract<QuantizationOptions, { method: M }>;

/** Words for a quantization, from its own entry. */
export function quantizationLabel(options: QuantizationOptions): string {
  const entry = quantizations.find(({ method }) => method === options.method);
  // Each entry takes its own options; the method that selected it is the proof.
  return (
    (entry?.label as ((options: QuantizationOptions) => string) | undefined)?.(options) ?? options.method
  );
}

export function isCalibrated({ method }: QuantizationOptions): boolean {
  return quantizations.some((entry) => entry.method === method && entry.calibrated);
}
