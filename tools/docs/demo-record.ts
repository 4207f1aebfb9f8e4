import { z } from 'zod';
import { hostFields } from './describe-host.ts';

/** docs/results/demo.json: what one run of the demo showed, and where. Written by tools/record-demo.ts. */
export const DemoRecord = z.strictObject({
  command: z.string(),
  ...hostFields,
  runs: z.array(
    z.strictObject({
      seconds: z.number(),
      steps: z.strictObject({ ran: z.int(), cached: z.int(), failed: z.int() }),
    }),
  ),
  verdict: z.string(),
  headline: z.string(),
  table: z.strictObject({
    columns: z.array(z.string()),
    rows: z.array(z.array(z.string())),
    alignment: z.array(z.literal(['left', 'right'])),
  }),
});
export type DemoRecord = z.output<typeof DemoRecord>;
