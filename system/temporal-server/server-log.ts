import { readFile, stat } from 'node:fs/promises';

const tailLines = 20;

/** In bytes; 0 when there is no log yet. The log outlives a server, so each start remembers where its part begins. */
export async function logSize(logFile: string): Promise<number> {
  return (await stat(logFile).catch(() => undefined))?.size ?? 0;
}

/** The last lines written at or after the byte `from`. */
export async function readLogTail(logFile: string, from: number): Promise<string> {
  const written = (await readFile(logFile)).subarray(from).toString('utf8').trimEnd();
  return written.split('\n').slice(-tailLines).join('\n');
}
