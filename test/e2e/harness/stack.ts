import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startCli, type CliOptions } from './cli.ts';
import { descendantsOf, isRunning } from './processes.ts';
import { waitUntil } from './wait-until.ts';

/** `stack.json` as `up` keeps it. */
export interface StackFile {
  readonly pid: number;
  readonly address: string;
  readonly uiAddress: string;
  readonly namespace: string;
  readonly hubEndpoint: string | null;
  readonly workers: { readonly control: number; readonly cpu: number; readonly engine: number };
}

export interface RunningStack extends AsyncDisposable {
  readonly pid: number;
  /** As it is now: a worker that died has another pid than before. */
  record(): Promise<StackFile>;
  /** Everything `up` has said. */
  output(): string;
  stdout(): string;
}

/** Server, hub and workers by `enginewright up`, until disposed; then none of its processes may be left. */
export async function startUp(args: readonly string[], options: CliOptions): Promise<RunningStack> {
  const up = startCli(['up', ...args], options);
  const record = async (): Promise<StackFile> =>
    JSON.parse(await readFile(join(options.home, 'stack.json'), 'utf8')) as StackFile;
  let over = false;
  void up.ended.then(() => (over = true));
  await waitUntil('the stack', async () => {
    if (over) throw new Error(`enginewright up ended:\n${up.stderr()}`);
    return await record().catch(() => undefined);
  });
  return {
    pid: up.pid,
    record,
    output: () => up.stdout() + up.stderr(),
    stdout: () => up.stdout(),
    async [Symbol.asyncDispose]() {
      const family = descendantsOf(up.pid);
      up.kill('SIGTERM');
      await up.ended;
      const left = family.filter((pid) => isRunning(pid));
      if (left.length > 0) throw new Error(`enginewright up left the processes ${left.join(', ')} behind`);
    },
  };
}
