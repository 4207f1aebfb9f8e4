import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { groupIsAlive } from '../../../../system/process/end-group.ts';
import { startWorkerProcess, type WorkerProcess } from '../../../../system/supervisor/worker-process.ts';

let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'enginewright-worker-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const ready = `console.log('ready');`;
const forever = `setInterval(() => 0, 999);`;

function start(code: string): Promise<WorkerProcess> {
  const env = { PATH: process.env['PATH'] ?? '' };
  return startWorkerProcess({ name: 'cpu', args: ['-e', code], env, logFile: join(folder, 'cpu.log') });
}

it('a worker is ready when it says so, lives, and ends when stopped', async () => {
  const worker = await start(`${ready} ${forever}`);
  expect(await groupIsAlive(worker.pid)).toBe(true);

  await worker.stop();

  expect(await groupIsAlive(worker.pid)).toBe(false);
  expect(await worker.ended).toBe('cpu was ended by SIGTERM');
});

it('one that dies before it is ready fails with what it said', async () => {
  const worker = start(
    `console.error('ServerUnreachable: nobody answers'); console.error('  Start one.'); process.exit(69)`,
  );

  await expect(worker).rejects.toMatchObject({
    name: 'ToolCrashed',
    message: 'cpu ended with exit code 69 before it was ready: ServerUnreachable: nobody answers',
    details: { tail: 'ServerUnreachable: nobody answers\n  Start one.' },
  });
  expect(await readFile(join(folder, 'cpu.log'), 'utf8')).toContain('nobody answers');
});

it('one that throws fails with its error, not with the last line of its stack', async () => {
  await expect(start(`throw new TypeError('what is this')`)).rejects.toMatchObject({
    message: expect.stringContaining('TypeError: what is this'),
  });
});

it('its death later is told in words', async () => {
  const worker = await start(`${ready} setTimeout(() => process.kill(process.pid, 'SIGKILL'), 50)`);

  expect(await worker.ended).toMatch(/^cpu was killed \(SIGKILL/);
});

it('its death is noticed although a child of it holds its output', async () => {
  const child = `require('child_process').spawn(process.execPath, ['-e', '${forever}'], { stdio: 'inherit' });`;
  const worker = await start(`${child} ${ready} setTimeout(() => process.exit(3), 50)`);

  expect(await Promise.race([worker.ended, sleep(8_000, 'nothing')])).toBe('cpu ended with exit code 3');
  expect(await groupIsAlive(worker.pid)).toBe(false);
}, 15_000);

it('its liveness pipe ends when its supervisor does, and stays open until then', async () => {
  const worker = await start(`${ready} process.stdin.resume().on('end', () => process.exit(0))`);
  await sleep(200);

  expect(await groupIsAlive(worker.pid)).toBe(true);
  await worker.stop();
});
