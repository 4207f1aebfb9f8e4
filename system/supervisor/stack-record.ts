import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeAtomically } from '../files/atomic-write.ts';
import { isAlive } from '../process/is-alive.ts';

const StackRecord = z.object({
  /** The supervisor, `enginewright up`. */
  pid: z.int(),
  address: z.string(),
  uiAddress: z.string(),
  namespace: z.string(),
  hubEndpoint: z.string().nullable(),
  workers: z.record(z.string(), z.int()),
});

/** Where the embedded server and workers of a home are; written when they are ready, removed when they end. */
export type StackRecord = z.output<typeof StackRecord>;

const fileOf = (home: string): string => join(home, 'stack.json');

export function writeStackRecord(home: string, record: StackRecord): Promise<void> {
  return writeAtomically(fileOf(home), `${JSON.stringify(record, null, 2)}\n`);
}

export function removeStackRecord(home: string): Promise<void> {
  return rm(fileOf(home), { force: true });
}

/** The stack that runs in this home; null when there is none, or when its supervisor is gone. */
export async function readStackRecord(home: string): Promise<StackRecord | null> {
  const text = await readFile(fileOf(home), 'utf8').catch(() => null);
  if (text === null) return null;
  const record = parseRecord(text);
  return record !== null && isAlive(record.pid) ? record : null;
}

/** A record that cannot be read is none. */
function parseRecord(text: string): StackRecord | null {
  try {
    return StackRecord.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
