import { open } from 'node:fs/promises';
import { execa } from 'execa';
import { BuildFailure } from '../../core/domain/failures.ts';
import { describeExit } from '../process/describe-exit.ts';
import { endGroup } from '../process/end-group.ts';
import { LineTail } from '../process/tail.ts';
import type { Living } from './keep-alive.ts';

export interface WorkerCommand {
  readonly name: string;
  /** Arguments after the Node executable. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
}

export interface WorkerProcess extends Living {
  readonly name: string;
  readonly pid: number;
}

/** A worker drains its activities for at most 15 s (shutdownForceTime) before it is killed. */
const graceMs = 17_000;
const readyMs = 60_000;
const leftOverGraceMs = 2_000;

/**
 * Starts a worker process in its own group and waits for its first line on stdout, which says that it polls. Its
 * stdin stays open as a liveness pipe: when we are gone it ends itself. Throws ToolCrashed with its last lines.
 */
export async function startWorkerProcess({
  name,
  args,
  env,
  logFile,
}: WorkerCommand): Promise<WorkerProcess> {
  const log = await open(logFile, 'a');
  const child = execa(process.execPath, args, {
    detached: true,
    extendEnv: false,
    env,
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
    buffer: false,
    reject: false,
  });
  const tail = new LineTail();
  const logged = (async (): Promise<void> => {
    for await (const chunk of child.stderr as AsyncIterable<Uint8Array>) {
      tail.push(Buffer.from(chunk).toString('utf8'));
      await log.write(chunk);
    }
  })().finally(() => log.close());
  const ended = child.then(async (result) => {
    await logged;
    return `${name} ${describeExit(result.exitCode, result.signal)}`;
  });
  const { pid } = child;
  // What a dead worker left would hold its output open, and then its end would never be noticed.
  if (pid !== undefined) child.once('exit', () => void endGroup(pid, leftOverGraceMs));
  if (pid === undefined)
    throw new BuildFailure('ToolCrashed', `the ${name} worker cannot be started: ${await ended}`);
  const ready = (async (): Promise<boolean> => {
    // A worker writes one line when it polls and none after it.
    for await (const _ of child.stdout as AsyncIterable<Uint8Array>) return true;
    return false;
  })();
  const late = AbortSignal.timeout(readyMs);
  const isReady = await Promise.race([
    ready,
    ended.then(() => false),
    new Promise<false>((resolve) => late.addEventListener('abort', () => resolve(false))),
  ]);
  if (!isReady) {
    await endGroup(pid, 0);
    throw new BuildFailure('ToolCrashed', `${await ended} before it was ready${lastWords(tail.text)}`, {
      details: { tail: tail.text, log: logFile },
    });
  }
  return { name, pid, ended, stop: () => endGroup(pid, graceMs) };
}

/** The line that names an error, wherever its stack or its hint follows; else the last one. */
function lastWords(tail: string): string {
  const lines = tail.split('\n').filter((line) => line.trim() !== '');
  const told = lines.find((line) => /^\w+: /.test(line)) ?? lines.at(-1);
  return told === undefined ? '' : `: ${told}`;
}
