import { z } from 'zod';
import { defineQuantization } from './contract.ts';
import { gridLabel, gridOptions } from './integer-grid.ts';

export const gptq = defineQuantization({
  method: 'gptq',
  title: 'GPTQ: each column’s error is made up for by the columns not yet rounded (arXiv 2210.17323)',
  calibrated: true,
  Options: z.strictObject({
    method: z.literal('gptq').describe('One of the table below.'),
    ...gridOptions,
    damp: z
      .number()
      .min(0.0001)
      .max(1)
      .default(0.01)
      .describe('Added to the diagonal of the Hessian, as a share of its mean.'),
    order: z
      .literal(['natural', 'activation'])
      .default('natural')
      .describe('activation: columns with large activations first; groups stay where they are.'),
  }),
  label: (options) => gridLabel('gptq', options),
});
