import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import type { RunningStack } from './stack.ts';

/** The run's events as Temporal would export them. */
export async function historyOf(run: string, stack: RunningStack): Promise<string> {
  const { address, namespace } = await stack.record();
  const connection = await Connection.connect({ address });
  try {
    const history = await new Client({ connection, namespace }).workflow.getHandle(run).fetchHistory();
    // Payloads are bytes: as JSON they would be base64, which hides what they say.
    return JSON.stringify(history, (_, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value,
    );
  } finally {
    await connection.close();
  }
}

/** Files below a folder that hold a text, by their path from there. */
export async function filesWith(text: string, folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const found: string[] = [];
  for (const file of files)
    if ((await readFile(file)).includes(text)) found.push(file.slice(folder.length + 1));
  return found;
}
