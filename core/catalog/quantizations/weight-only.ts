import { z } from 'zod';
import { defineQuantization } from './contract.ts';

export const weightOnly = defineQuantization({
  method: 'weight-only',
  title: 'Weights in few bits by rounding to nearest, activations untouched',
  calibrated: false,
  Options: z.strictObject({
    method: z.literal('weight-only').describe('One of the table below.'),
    bits: z.literal([8, 6, 5, 4, 3, 2]).describe('Bits a weight.'),
    group: z
      .literal([32, 64, 128, 256])
      .optional()
      .describe('Weights that share a scale. Left out: the usual one of the toolchain for these bits.'),
    symmetric: z.boolean().default(true).describe('False: each group also has an offset.'),
  }),
  label: ({ bits, group, symmetric }) =>
    [
      `${bits} bit`,
      ...(group === undefined ? [] : [`groups of ${group}`]),
      ...(symmetric ? [] : ['with offset']),
    ].join(', '),
});
