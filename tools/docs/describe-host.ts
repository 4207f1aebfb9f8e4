import { readFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import type { DemoRecord } from './demo-record.ts';

/** What every record of a run tells of where and when: now, this machine, and what of ours and of others it ran. */
export async function describeHost(root: string): Promise<Pick<DemoRecord, 'date' | 'machine' | 'versions'>> {
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
