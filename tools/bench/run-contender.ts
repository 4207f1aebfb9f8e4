import { join } from 'node:path';
import { rm } from 'node:fs/promises';
import { execa } from 'execa';
import { z } from 'zod';
import type { Bench, Contender } from './contenders.ts';

const Figures = z.object({
  exitCode: z.number(),
  seconds: z.number(),
  cpuSeconds: z.number(),
  peakBytes: z.number(),
});

/** One run: `seconds` by the clock until everything is on the disk, `cpuSeconds` of all its processes together. */
export type Run = Omit<z.infer<typeof Figures>, 'exitCode'>;

/**
 * Runs a contender as a process of its own, after what it made before is gone. `modelBytes` tells how much memory is made
 * ready for it. Throws with its words if it fails.
 */
export async function runContender(
  { name, argv, makes }: Contender,
  bench: Bench,
  modelBytes: number,
): Promise<Run> {
  if (makes !== undefined) await rm(makes, { recursive: true, force: true });
  // For its output, and half as much again for everything else.
  const megabytes = String(Math.ceil((1.5 * modelBytes) / 2 ** 20));
  const measured = ['-B', join(bench.scripts, 'measure.py'), megabytes, ...argv];
  const { stdout, stderr } = await execa(bench.python, measured);
  const { exitCode, ...run } = Figures.parse(JSON.parse(stdout));
  if (exitCode !== 0)
    throw new Error(`${name} ended with exit code ${exitCode}:\n${stderr.split('\n').slice(-20).join('\n')}`);
  return run;
}
