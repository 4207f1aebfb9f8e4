import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { packageRoot } from '../../system/package-root.ts';

/** Whom SIGKILL meets: the command line, the native program it started, or both at once. */
export const victims = ['group', 'node', 'native'] as const;
export type Victim = (typeof victims)[number];

const main = join(packageRoot(), 'dist', 'cli', 'main.js');

/** Starts the built command line as the first process of a group of its own. */
export function startCli(args: readonly string[], env: NodeJS.ProcessEnv = process.env): ChildProcess {
  return spawn(process.execPath, [main, ...args], { detached: true, stdio: 'ignore', env });
}

/** A run that nobody kills: how long it took, in ms. Throws if it does not end well. */
export async function startToEnd(args: readonly string[]): Promise<number> {
  const begun = performance.now();
  const [code] = (await once(startCli(args), 'exit')) as [number | null];
  if (code !== 0) throw new Error(`enginewright ${args.join(' ')} ended with ${code}`);
  return performance.now() - begun;
}

export interface Kill {
  readonly victim: Victim;
  /** After the start of the run. */
  readonly delayMs: number;
  /** The system's temporary folder for this run. */
  readonly temporary: string;
}

/** Kills a run, waits until nothing of it writes any more, and tells whether the kill came in time. */
export async function killOnce(
  args: readonly string[],
  { victim, delayMs, temporary }: Kill,
): Promise<boolean> {
  const child = startCli(args, { ...process.env, TMPDIR: temporary });
  const ended = once(child, 'exit');
  await sleep(delayMs);
  const cli = runningPidOf(child);
  // The native program leads a group of its own, so it must be found before its parent is gone.
  const natives = cli === null ? [] : await childrenOf(cli);
  if (cli !== null && victim !== 'native') kill(cli);
  if (victim !== 'node') natives.forEach(kill);
  await ended;
  // An orphan may go on for a moment: what it does then is part of the trial.
  while ((await Promise.all(natives.map(isRunning))).includes(true)) await sleep(20);
  return cli !== null && (victim !== 'native' || natives.length > 0);
}

function runningPidOf({ exitCode, signalCode, pid }: ChildProcess): number | null {
  return exitCode === null && signalCode === null ? (pid ?? null) : null;
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself in this very moment.
  }
}

async function isRunning(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat !== '' && !/\) Z /.test(stat);
}

/** Processes whose parent is `pid` (proc(5), field 4 of stat). */
async function childrenOf(pid: number): Promise<number[]> {
  const pids = (await readdir('/proc')).map(Number).filter((candidate) => Number.isSafeInteger(candidate));
  const parents = await Promise.all(
    pids.map(async (candidate) => {
      const stat = await readFile(`/proc/${candidate}/stat`, 'utf8').catch(() => '');
      return Number(stat.slice(stat.lastIndexOf(')') + 4).split(' ', 1)[0]);
    }),
  );
  return pids.filter((_, index) => parents[index] === pid);
}
