import { z } from 'zod';
import { defineQuantization } from './contract.ts';

export const none = defineQuantization({
  method: 'none',
  title: 'Weights as they are, in a floating-point type',
  calibrated: false,
  Options: z.strictObject({
    method: z.literal('none').describe('One of the table below.'),
    dtype: z
      .literal(['float16', 'bfloat16', 'float32'])
      .default('float16')
      .describe('Type of the stored weights.'),
  }),
  label: ({ dtype }) => dtype,
});
