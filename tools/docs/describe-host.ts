import { readFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';

/** What every record of a run tells of where and when: now, this machine, and what of ours and of others it ran. */
export const hostFields = {
  /** ISO 8601, UTC. */
  date: z.string(),
  machine: z.strictObject({
    processor: z.string(),
    cores: z.int(),
    memoryBytes: z.int(),
    platform: z.string(),
  }),
  versions: z.record(z.string(), z.string()),
};
const Host = z.strictObject(hostFields);

/** `root` is the package's. */
export async function describeHost(root: string): Promise<z.output<typeof Host>> {
  const read = async (path: string): Promise<Record<string, unknown>> =>
    JSON.parse(await readFile(join(root, path), 'utf8')) as Record<string, unknown>;
  const own = await read('package.json');
  const llama = await read('node_modules/@node-llama-cpp/linux-x64/package.json');
  const temporal = await read('node_modules/@temporalio/worker/package.json');
  return {
    date: new Date().toISOString(),
    machine: {
      processor: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      memoryBytes: totalmem(),
      platform: `${process.platform} ${process.arch}`,
    },
    versions: {
      enginewright: String(own['version']),
      Node: process.versions.node,
      'Temporal SDK': String(temporal['version']),
      '@node-llama-cpp': String(llama['version']),
    },
  };
}
