import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { BuildFailure, isFailureName } from '../../core/domain/failures.ts';
import { asStoreFailure } from '../files/atomic-write.ts';
import { endGroup } from '../process/end-group.ts';
import { LineTail } from '../process/tail.ts';
import { readStackRecord, type StackRecord } from './stack-record.ts';

export interface SpawnStack {
  readonly home: string;
  /** Arguments after the Node executable that run `enginewright up`. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export interface SpawnedStack {
  readonly record: StackRecord;
  stop(): Promise<void>;
}

const pollMs = 40;
/** Server and three workers end one after the other, each with its own grace. */
const graceMs = 40_000;

/** Starts a supervisor process of its own and waits until its stack can be used. Throws what the supervisor says. */
export async function spawnStack(
  { home, args, env }: SpawnStack,
  signal: AbortSignal,
): Promise<SpawnedStack> {
  const logs = join(home, 'logs');
  await mkdir(logs, { recursive: true }).catch((error: unknown) => {
    throw asStoreFailure(error, home);
  });
  const logFile = join(logs, 'up.log');
  const log = await open(logFile, 'a');
  const started = (await log.stat()).size;
  // Its output goes to the file directly, so the stack may outlive us. execa hands any descriptor on; its types name 3 to 9.
  const output = log.fd as 3;
  const child = execa(process.execPath, args, {
    detached: true,
    cleanup: false,
    extendEnv: false,
    env,
    stdin: 'ignore',
    stdout: output,
    stderr: output,
    buffer: false,
    reject: false,
  });
  child.unref();
  const { pid } = child;
  let ended = false;
  void child.then(() => (ended = true));
  try {
    for (;;) {
      const record = await readStackRecord(home);
      if (record !== null && record.pid === pid) return { record, stop: () => endGroup(pid, graceMs) };
      if (ended || pid === undefined)
        throw failureOf((await readFile(logFile)).subarray(started).toString('utf8'));
      await sleep(pollMs, undefined, { signal });
    }
  } catch (error) {
    if (pid !== undefined) await endGroup(pid, graceMs);
    throw error;
  } finally {
    await log.close();
  }
}

/** The supervisor prints `Name: message` like every verb. */
function failureOf(output: string): BuildFailure {
  const tail = new LineTail();
  tail.push(output);
  const named = /^(\w+): (.+)(?:\n {2}(.+))?$/m.exec(output);
  if (named?.[1] !== undefined && isFailureName(named[1])) {
    return new BuildFailure(named[1], named[2] ?? '', named[3] === undefined ? {} : { hint: named[3] });
  }
  return new BuildFailure('ServerFailed', `the embedded server and workers did not start: ${tail.text}`);
}
