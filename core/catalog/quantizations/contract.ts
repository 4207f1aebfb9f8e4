import type { z } from 'zod';

/**
 * A way to make weights smaller. Its entry answers every question about it, so that shared code never asks which
 * one it is: which options it takes, and how it is called in words.
 */
export interface Quantization<Method extends string, Options extends z.ZodObject> {
  readonly method: Method;
  readonly title: string;
  /** Needs activations of calibration texts. */
  readonly calibrated: boolean;
  /** Strict schema of the recipe's `quantization` block; contains `method` as a literal. */
  readonly Options: Options;
  /** In words for tables, e.g. `4 bit, groups of 32`. */
  readonly label: (options: z.output<Options>) => string;
}

export function defineQuantization<Method extends string, Options extends z.ZodObject>(
  quantization: Quantization<Method, Options>,
): Quantization<Method, Options> {
  return quantization;
}
