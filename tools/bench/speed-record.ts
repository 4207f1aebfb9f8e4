import { z } from 'zod';

const Spread = z.object({ min: z.number(), median: z.number(), max: z.number() });

const SizeRecord = z.object({
  gigabytes: z.number(),
  command: z.string(),
  date: z.string(),
  rounds: z.number(),
  machine: z.object({ processor: z.string(), cores: z.number(), memoryBytes: z.number() }),
  versions: z.record(z.string(), z.string()),
  model: z.object({ bytes: z.number(), tensors: z.number(), largestBytes: z.number(), layers: z.number() }),
  contenders: z.array(
    z.object({
      name: z.string(),
      title: z.string(),
      seconds: Spread,
      cpuSeconds: Spread,
      peakBytes: z.number(),
    }),
  ),
});

/** What docs/results/weights-speed.json holds: the last run of every size. */
export const SpeedRecord = z.object({ sizes: z.array(SizeRecord) });

export type SpeedRecord = z.infer<typeof SpeedRecord>;
export type SizeRecord = z.infer<typeof SizeRecord>;
export type ContenderRecord = SizeRecord['contenders'][number];
export type Spread = z.infer<typeof Spread>;

/** The middle of an even number of values is the lower one, so that it is a value that was measured. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  return { min: at(0), median: at(Math.ceil(sorted.length / 2) - 1), max: at(sorted.length - 1) };
}

/** With `size` in the place of what was known of that size; smallest first. */
export function withSize(record: SpeedRecord, size: SizeRecord): SpeedRecord {
  const others = record.sizes.filter(({ gigabytes }) => gigabytes !== size.gigabytes);
  return { sizes: [...others, size].sort((a, b) => a.gigabytes - b.gigabytes) };
}
