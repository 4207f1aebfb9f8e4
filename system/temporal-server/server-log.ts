import { readFile, stat } from 'node:fs/promises';

const tailLines = 20;

/** In bytes; 0 when there is no log yet. The log outlives a server, so each start remembers where its part begins. */
export async function logSize(logFile: string): Promise<number> {
  return (await stat(logFile).catch(() => undefined))?.size ?? 0;
}

/** The last lines written at or after the byte `from`; of a panic its first ones, because below stands only where it was. */
export async function readLogTail(logFile: string, from: number): Promise<string> {
  const written = (await readFile(logFile)).subarray(from).toString('utf8').trimEnd();
  const lines = written.split('\n');
  const panic = lines.findIndex((line) => line.startsWith('panic: '));
  return (panic === -1 ? lines.slice(-tailLines) : lines.slice(panic, panic + tailLines)).join('\n');
}
