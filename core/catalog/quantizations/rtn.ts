import { z } from 'zod';
import { defineQuantization } from './contract.ts';
import { gridLabel, gridOptions } from './integer-grid.ts';

export const rtn = defineQuantization({
  method: 'rtn',
  title: 'Rounding to nearest on our own grid: what the calibrated methods are to be compared with',
  calibrated: false,
  Options: z.strictObject({
    method: z.literal('rtn').describe('One of the table below.'),
    ...gridOptions,
  }),
  label: (options) => gridLabel('rtn', options),
});
