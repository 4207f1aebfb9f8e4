import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packageRoot } from '../../system/package-root.ts';
import { isAlive } from '../../system/process/is-alive.ts';
import { readStackRecord, type StackRecord } from '../../system/supervisor/stack-record.ts';
import { startStack } from '../../system/supervisor/start-stack.ts';
import { locateTemporalServer } from '../../system/temporal-server/locate-server.ts';
import { findRunningServer } from '../../system/temporal-server/server-record.ts';

const main = join(packageRoot(), 'dist', 'cli', 'main.js');
let home = '';
let started: ChildProcess[] = [];

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'enginewright-stack-'));
  started = [];
});

afterEach(async () => {
  for (const up of started.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)) {
    up.kill('SIGTERM');
    await once(up, 'exit');
  }
  const left = await findRunningServer(join(home, 'temporal.db'));
  if (left !== undefined) process.kill(-left.pid, 'SIGKILL');
  await rm(home, { recursive: true, force: true });
});

async function startUp(): Promise<{ up: ChildProcess; record: StackRecord }> {
  const { TEMPORAL_ADDRESS: _, ...env } = process.env;
  const up = spawn(process.execPath, [main, 'up', '--home', home], {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  started.push(up);
  for (;;) {
    const record = await readStackRecord(home);
    if (record?.pid === up.pid && record !== null) return { up, record };
    if (up.exitCode !== null) throw new Error(`up ended with ${up.exitCode}`);
    await sleep(50);
  }
}

async function untilGone(pids: readonly number[], ms: number): Promise<void> {
  const deadline = Date.now() + ms;
  while (pids.some((pid) => isAlive(pid))) {
    if (Date.now() > deadline)
      throw new Error(`still alive: ${pids.filter((pid) => isAlive(pid)).join(', ')}`);
    await sleep(50);
  }
}

describe('up', () => {
  it('when told to end takes server and workers along, and its record', async () => {
    const { up, record } = await startUp();
    const server = await findRunningServer(join(home, 'temporal.db'));
    up.kill('SIGTERM');
    await once(up, 'exit');

    expect(Object.keys(record.workers).toSorted()).toEqual(['control', 'cpu', 'engine']);
    await untilGone([...Object.values(record.workers), server?.pid ?? 0], 1_000);
    await expect(stat(join(home, 'stack.json'))).rejects.toThrow('ENOENT');
    expect(up.exitCode).toBe(0);
  });

  it('when killed leaves workers that end by themselves, and a server that the next up ends', async () => {
    const first = await startUp();
    const server = await findRunningServer(join(home, 'temporal.db'));
    first.up.kill('SIGKILL');
    await once(first.up, 'exit');
    await untilGone(Object.values(first.record.workers), 20_000);

    const second = await startUp();

    expect(server).toBeDefined();
    await untilGone([server?.pid ?? 0], 1_000);
    expect(await findRunningServer(join(home, 'temporal.db'))).toMatchObject({
      address: second.record.address,
    });
  });

  it('starts a worker again that was killed, and records it', async () => {
    const { record } = await startUp();
    const killed = record.workers['cpu'] ?? 0;
    process.kill(killed, 'SIGKILL');
    let now = killed;
    for (let tries = 0; now === killed && tries < 400; tries += 1) {
      await sleep(50);
      now = (await readStackRecord(home))?.workers['cpu'] ?? killed;
    }

    expect(now).not.toBe(killed);
    expect(isAlive(now)).toBe(true);
  });
});

it('a stack of which one worker cannot start fails with its words and leaves nothing', async () => {
  const pidFile = join(home, 'good.pid');
  const good = `require('fs').writeFileSync(${JSON.stringify(pidFile)}, String(process.pid)); setTimeout(() => console.log('ready'), 500); setInterval(() => 0, 999)`;
  const bad = `console.error('ToolchainMissing: no library here'); process.exit(69)`;
  const stack = startStack(
    {
      home,
      namespace: 'default',
      temporalExecutable: await locateTemporalServer({
        root: packageRoot(),
        override: process.env['TEMPORAL_PATH'],
      }),
      port: undefined,
      uiPort: undefined,
      hubRoot: undefined,
      roles: ['good', 'bad'],
      workerArgs: (role) => ['-e', role === 'good' ? good : bad],
      env: { PATH: process.env['PATH'] ?? '' },
      onNote: () => undefined,
    },
    new AbortController().signal,
  );

  await expect(stack).rejects.toMatchObject({
    name: 'ToolCrashed',
    message: expect.stringContaining('ToolchainMissing: no library here'),
  });
  await untilGone([Number(await readFile(pidFile, 'utf8'))], 1_000);
  expect(await findRunningServer(join(home, 'temporal.db'))).toBeUndefined();
  expect(await readStackRecord(home)).toBeNull();
});
