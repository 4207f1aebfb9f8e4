import { open } from 'node:fs/promises';
import { execa } from 'execa';
import { BuildFailure } from '../../core/domain/failures.ts';
import { describeExit } from '../process/describe-exit.ts';
import { endGroup } from '../process/end-group.ts';
import { inheritedEnvironment } from '../process/inherited-environment.ts';

/** The server takes about three seconds to end its own services. */
export const serverGraceMs = 8_000;

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
  // execa hands any descriptor on; its types name 3 to 9.
  const output = log.fd as 3;
  const child = execa(executable, args, {
    detached: true,
    cleanup: false,
    extendEnv: false,
    env: inheritedEnvironment(),
    stdin: 'ignore',
    stdout: output,
    stderr: output,
    buffer: false,
    reject: false,
  });
  const { pid } = child;
  await log.close();
  if (pid === undefined) {
    const message = `the Temporal server ${executable} cannot be executed`;
    throw new BuildFailure('ServerFailed', message, { cause: await child });
  }
  const ended = child.then(({ exitCode, signal }) => describeExit(exitCode, signal));
  endAtExit(pid, ended);
  return { pid, ended, stop: () => endGroup(pid, serverGraceMs).then(() => void ended) };
}

/** A detached child outlives its parent; an exit that skips stop() must still take the server along. */
function endAtExit(pid: number, ended: Promise<string>): void {
  const end = (): void => {
    process.kill(-pid, 'SIGTERM');
  };
  process.once('exit', end);
  void ended.then(() => process.off('exit', end));
}
