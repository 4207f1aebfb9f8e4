import { z } from 'zod';
import { defineQuantization } from './contract.ts';
import { gridLabel } from './integer-grid.ts';

export const smoothquant = defineQuantization({
  method: 'smoothquant',
  title: 'SmoothQuant: outliers move from activations into weights, both in 8 bits (arXiv 2211.10438)',
  calibrated: true,
  Options: z.strictObject({
    method: z.literal('smoothquant').describe('One of the table below.'),
    alpha: z
      .number()
      .min(0)
      .max(1)
      .default(0.5)
      .describe('How much of the difficulty moves into the weights.'),
  }),
  label: ({ alpha }) => `${gridLabel('smoothquant', { bits: 8, symmetric: true })}, alpha ${alpha}`,
});
