import { z } from 'zod';

/** Options that every method with an integer grid of our own shares. */
export const gridOptions = {
  bits: z.literal([8, 4]).default(4).describe('Bits a weight.'),
  group: z
    .literal([32, 64, 128])
    .optional()
    .describe('Weights of a row that share a scale. Left out: 128 for 4 bits, the whole row for 8.'),
  symmetric: z.boolean().default(true).describe('False: each group also has an offset.'),
} as const;

export interface GridOptions {
  readonly bits: 4 | 8;
  readonly group?: 32 | 64 | 128 | undefined;
  readonly symmetric: boolean;
}

/** Columns that share a scale; null is the whole row. */
export function groupOf({ bits, group }: Pick<GridOptions, 'bits' | 'group'>): number | null {
  return group ?? (bits === 8 ? null : 128);
}

export function gridLabel(name: string, options: GridOptions): string {
  const group = groupOf(options);
  const place = group === null ? 'per row' : `groups of ${group}`;
  return `${name}, ${options.bits} bit, ${place}${options.symmetric ? '' : ', with offset'}`;
}
