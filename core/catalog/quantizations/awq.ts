import { z } from 'zod';
import { defineQuantization } from './contract.ts';
import { gridLabel, gridOptions } from './integer-grid.ts';

export const awq = defineQuantization({
  method: 'awq',
  title: 'AWQ: columns with large activations are scaled up before rounding (arXiv 2306.00978)',
  calibrated: true,
  Options: z.strictObject({
    method: z.literal('awq').describe('One of the table below.'),
    ...gridOptions,
  }),
  label: (options) => gridLabel('awq', options),
});
