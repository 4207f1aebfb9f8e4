import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { isAlive } from '../../../../system/process/is-alive.ts';
import { runCommand, type Command, type RunOptions } from '../../../../system/process/run-command.ts';

const never = new AbortController().signal;

function node(code: string): Command {
  return { file: process.execPath, args: ['-e', code] };
}

async function linesOf(code: string): Promise<string[]> {
  const lines: string[] = [];
  await runCommand(node(code), { signal: never, onLine: (line, stream) => lines.push(`${stream} ${line}`) });
  return lines;
}

async function untilGone(pid: number): Promise<void> {
  for (let tries = 0; isAlive(pid); tries += 1) {
    if (tries > 100) throw new Error(`process ${pid} lives on`);
    await sleep(20);
  }
}

/** Runs code that prints one pid, and aborts once it has. */
async function abortAfterPid(
  code: string,
  options: Partial<RunOptions> = {},
): Promise<{ pid: number; failure: unknown; ms: number }> {
  const stop = new AbortController();
  let pid = 0;
  let abortedAt = 0;
  const failure = await runCommand(node(code), {
    signal: stop.signal,
    onLine(line) {
      pid = Number(line);
      abortedAt = performance.now();
      stop.abort(new Error('asked to stop'));
    },
    ...options,
  }).catch((error: unknown) => error);
  return { pid, failure, ms: performance.now() - abortedAt };
}

describe('output', () => {
  it('arrives as lines, also across chunks, with Windows ends, and without a last newline', async () => {
    const code = `
      process.stdout.write('on');
      setTimeout(() => process.stdout.write('e\\r'), 30);
      setTimeout(() => process.stdout.write('\\n\\ntw'), 60);
      setTimeout(() => process.stdout.write('o'), 90);`;

    expect(await linesOf(code)).toEqual(['stdout one', 'stdout ', 'stdout two']);
  });

  it('keeps characters whole that two chunks share', async () => {
    const code = `
      const bytes = Buffer.from('Zürich 😀\\n');
      process.stdout.write(bytes.subarray(0, 2));
      setTimeout(() => process.stdout.write(bytes.subarray(2, 10)), 30);
      setTimeout(() => process.stdout.write(bytes.subarray(10)), 60);`;

    expect(await linesOf(code)).toEqual(['stdout Zürich 😀']);
  });

  it('of both streams is told apart', async () => {
    expect((await linesOf(`console.log('a'); console.error('b')`)).toSorted()).toEqual([
      'stderr b',
      'stdout a',
    ]);
  });

  it('is remembered in part only: the last lines of stderr, each of them short', async () => {
    const code = `for (let i = 0; i < 500; i++) console.error(String(i).repeat(300))`;
    const { stderrTail } = await runCommand(node(code), { signal: never });
    const lines = stderrTail.split('\n');

    expect(lines).toHaveLength(20);
    expect(lines.at(-1)?.startsWith('499499')).toBe(true);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(401);
  });

  it('without any newline does not fill the memory', async () => {
    const code = `
      const chunk = 'x'.repeat(1 << 20);
      let left = 200;
      (function write() { while (left-- > 0) if (!process.stderr.write(chunk)) return process.stderr.once('drain', write); })()`;
    const started = performance.now();
    const { stderrTail } = await runCommand(node(code), { signal: never });

    expect(stderrTail.length).toBeLessThan(20_000);
    expect(performance.now() - started).toBeLessThan(20_000);
  });
});

describe('an end', () => {
  it.each([
    ['with a number', 'process.exit(3)', { name: 'ToolFailed', message: 'node ended with exit code 3' }],
    [
      'with last words',
      `console.error('why'); process.exit(1)`,
      { name: 'ToolFailed', message: 'node ended with exit code 1: why' },
    ],
    [
      'by a signal',
      `process.kill(process.pid, 'SIGSEGV'); setInterval(() => 0, 9)`,
      { name: 'ToolCrashed', message: 'node was ended by SIGSEGV' },
    ],
    [
      'by the kernel',
      `process.kill(process.pid, 'SIGKILL'); setInterval(() => 0, 9)`,
      { name: 'ToolCrashed', message: expect.stringContaining('out of memory') },
    ],
    [
      'by the kernel inside a container',
      'process.exit(137)',
      { name: 'ToolCrashed', message: expect.stringContaining('out of memory') },
    ],
  ])('%s fails with its reason, argv and last lines', async (_, code, failure) => {
    const run = runCommand(node(code), { signal: never });

    await expect(run).rejects.toMatchObject({
      ...failure,
      details: { argv: [process.execPath, '-e', code] },
    });
  });

  it('is success with 0', async () => {
    expect(await runCommand(node(''), { signal: never })).toEqual({ exitCode: 0, stderrTail: '' });
  });

  it('that never began, for want of the program, is ToolchainMissing', async () => {
    const run = runCommand({ file: 'enginewright-no-such-tool', args: [] }, { signal: never });

    await expect(run).rejects.toMatchObject({
      name: 'ToolchainMissing',
      message: 'enginewright-no-such-tool is not installed',
    });
  });

  it('that never began, for want of its folder, does not blame the program', async () => {
    const run = runCommand({ ...node(''), cwd: '/no/such/folder' }, { signal: never });

    await expect(run).rejects.toMatchObject({ message: expect.not.stringContaining('not installed') });
  });

  it('is not waited for because a child of the tool holds its output', async () => {
    const code = `
      const child = require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => 0, 999)'], { stdio: ['ignore', 'inherit', 'inherit'] });
      child.unref();
      console.log(child.pid);`;
    let pid = 0;
    await runCommand(node(code), { signal: never, onLine: (line) => (pid = Number(line)) });

    await untilGone(pid);
    expect(isAlive(pid)).toBe(false);
  }, 10_000);
});

describe('an abort', () => {
  it('ends the tool and rethrows its reason', async () => {
    const { pid, failure } = await abortAfterPid(`console.log(process.pid); setInterval(() => 0, 999)`);

    expect(failure).toEqual(new Error('asked to stop'));
    expect(isAlive(pid)).toBe(false);
  });

  it('ends grandchildren that ignore the polite signal too', async () => {
    const stubborn = `process.on('SIGTERM', () => {}); console.log(process.pid); setInterval(() => 0, 999)`;
    const code = `require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(stubborn)}], { stdio: 'inherit' })`;
    const { pid, failure, ms } = await abortAfterPid(code, { graceMs: 300 });

    expect(failure).toEqual(new Error('asked to stop'));
    await untilGone(pid);
    expect(ms).toBeGreaterThan(250);
    expect(ms).toBeLessThan(5_000);
  });

  it('lets the tool tidy up within its grace', async () => {
    const code = `process.on('SIGTERM', () => setTimeout(() => process.exit(0), 100)); console.log(process.pid); setInterval(() => 0, 999)`;
    const { failure, ms } = await abortAfterPid(code, { graceMs: 5_000 });

    expect(failure).toEqual(new Error('asked to stop'));
    expect(ms).toBeLessThan(4_000);
  });

  it('before the start starts nothing', async () => {
    const run = runCommand(
      { file: 'enginewright-no-such-tool', args: [] },
      { signal: AbortSignal.abort(new Error('early')) },
    );

    await expect(run).rejects.toThrow('early');
  });
});

it('a listener that throws ends the tool, and its error is the failure', async () => {
  let pid = 0;
  const run = runCommand(node(`console.log(process.pid); setInterval(() => 0, 999)`), {
    signal: never,
    graceMs: 300,
    onLine(line) {
      pid = Number(line);
      throw new Error('cannot read this');
    },
  });

  await expect(run).rejects.toThrow('cannot read this');
  await untilGone(pid);
}, 10_000);

it('gives the tool the listed variables and PATH, and nothing else of ours', async () => {
  process.env['ENGINEWRIGHT_TEST_SECRET'] = 'secret';
  const lines: string[] = [];
  const command = { ...node(`console.log(Object.keys(process.env).sort().join(' '))`), env: { MINE: '1' } };
  await runCommand(command, { signal: never, onLine: (line) => lines.push(line) });
  delete process.env['ENGINEWRIGHT_TEST_SECRET'];

  expect(lines).toEqual(['MINE PATH']);
});
