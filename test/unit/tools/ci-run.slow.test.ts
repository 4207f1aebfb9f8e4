import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../../system/package-root.ts';

/** It waits some seconds for what is about to end by itself, and again after each signal. */
const slowMs = 90_000;

async function makeCheckout(): Promise<string> {
  const checkout = await mkdtemp(join(tmpdir(), 'enginewright-ci-run-'));
  for (const path of ['.ci/run', 'tools/summarise-tests.mjs'])
    await cp(join(packageRoot(), path), join(checkout, path), { recursive: true });
  return checkout;
}

interface Ended {
  readonly exitCode: number | null;
  readonly stderr: string;
  readonly stdout: string;
  /** The process that wrote its number to the file `left`, and whether it runs; NaN without that file. */
  readonly left: number;
  readonly leftRuns: boolean;
}

/** Runs .ci/run in a checkout of its own where `npm` is these lines of shell. */
async function runWithTests(lines: string): Promise<Ended> {
  const checkout = await makeCheckout();
  try {
    const bin = join(checkout, 'bin');
    await mkdir(bin);
    await writeFile(join(bin, 'npm'), `#!/bin/sh\n${lines}\n`);
    await chmod(join(bin, 'npm'), 0o755);
    const child = spawn(join(checkout, '.ci', 'run'), {
      env: { ...process.env, PATH: [bin, process.env['PATH']].join(delimiter) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
    const [exitCode] = (await once(child, 'close')) as [number | null];
    const left = Number(await readFile(join(checkout, 'left'), 'utf8').catch(() => 'none'));
    return { exitCode, stdout, stderr, left, leftRuns: left > 0 && (await isRunning(left)) };
  } finally {
    await rm(checkout, { recursive: true, force: true });
  }
}

/** A zombie, which nobody has looked at yet, runs no more. */
async function isRunning(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') Z');
  return !/\) [ZX]/.test(stat);
}

// Each in a checkout of its own and with a mark of its own; nearly all of the time is waiting.
describe.concurrent('.ci/run', { timeout: slowMs }, () => {
  it('is content with tests that pass and leave nothing', async () => {
    const ended = await runWithTests('echo 3 passed, 0 failed; sleep 0.2 & wait');

    expect(ended).toMatchObject({ exitCode: 0, stdout: '3 passed, 0 failed\n', stderr: '' });
  });

  it('ends as the tests do when some fail', async () => {
    expect(await runWithTests('exit 3')).toMatchObject({ exitCode: 3, stderr: '' });
  });

  it.each([
    ['in the background', 'sleep 300 & echo $! > left'],
    ['in a session of its own', "setsid sh -c 'echo $$ > left; exec sleep 300' & sleep 1"],
    [
      'with nothing in its environment but PATH',
      `env -i PATH="$PATH" sh -c 'echo $$ > left; exec sleep 300' & sleep 1`,
    ],
    [
      'that heeds no SIGTERM',
      `setsid sh -c 'trap "" TERM; echo $$ > left; while :; do sleep 1; done' & sleep 1`,
    ],
  ])('fails when a process is left %s, names it and ends it', async (_, lines) => {
    const { exitCode, stderr, left, leftRuns } = await runWithTests(`${lines}\nexit 0`);

    expect(left).toBeGreaterThan(0);
    expect(leftRuns).toBe(false);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('Left behind by the tests:');
    expect(stderr).toContain(String(left));
  });
});
