import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { BuildFailure } from '../../core/domain/failures.ts';
import { describeExit } from '../process/describe-exit.ts';
import { endGroup } from '../process/end-group.ts';
import { inheritedEnvironment } from '../process/inherited-environment.ts';

/** The server takes about three seconds to end its own services. */
const graceMs = 8_000;

export interface ServerCommand {
  readonly executable: string;
  readonly args: readonly string[];
  readonly logFile: string;
}

export interface ServerProcess {
  readonly pid: number;
  /** How it ended, in words. */
  readonly ended: Promise<string>;
  stop(): Promise<void>;
}

/**
 * Starts the server in a process group of its own. It writes to its log file itself, not through this process, so it
 * neither loses lines nor stalls when this process is busy or gone.
 */
export async function spawnServer({ executable, args, logFile }: ServerCommand): Promise<ServerProcess> {
  const log = await open(logFile, 'a');
  const child = spawn(executable, args, {
    detached: true,
    env: inheritedEnvironment(),
    stdio: ['ignore', log.fd, log.fd],
  });
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (exitCode, signal) =>
      resolve(describeExit(exitCode ?? undefined, signal ?? undefined)),
    );
  });
  try {
    await once(child, 'spawn');
  } catch (error) {
    throw new BuildFailure('ServerFailed', `the Temporal server ${executable} cannot be executed`, {
      cause: error,
    });
  } finally {
    await log.close();
  }
  const { pid } = child;
  if (pid === undefined) throw new Error('a spawned process has an id');
  endAtExit(pid, ended);
  return { pid, ended, stop: () => endGroup(pid, graceMs).then(() => void ended) };
}

/** A detached child outlives its parent; an exit that skips stop() must still take the server along. */
function endAtExit(pid: number, ended: Promise<string>): void {
  const end = (): void => {
    process.kill(-pid, 'SIGTERM');
  };
  process.once('exit', end);
  void ended.then(() => process.off('exit', end));
}
