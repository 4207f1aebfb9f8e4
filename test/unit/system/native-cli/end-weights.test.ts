import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { chmod, mkdtemp, open, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WeightsPlan } from '../../../../core/domain/weights-plan.ts';
import { locateWeights } from '../../../../system/native-cli/locate.ts';
import { copyWeights } from '../../../../system/native-cli/run-weights.ts';

const inputBytes = 2 ** 31;
let folder: string;
let plan: WeightsPlan;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'enginewright-native-'));
  const path = join(folder, 'input');
  const file = await open(path, 'w');
  await file.truncate(inputBytes);
  await file.close();
  const piece = { kind: 'range', file: path, offset: 0, bytes: inputBytes } as const;
  plan = {
    version: 1,
    outputs: [
      { path: join(folder, 'small'), bytes: 1, pieces: [{ ...piece, bytes: 1 }] },
      { path: join(folder, 'large'), bytes: inputBytes, pieces: [piece] },
    ],
  };
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const filesLeft = async () => (await readdir(folder)).filter((name) => !name.startsWith('input'));

async function fakeExecutable(script: string): Promise<string> {
  const path = join(folder, 'input-fake');
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return path;
}

const noProgress = { signal: new AbortController().signal, onProgress: () => undefined };

describe('an interrupted copy', () => {
  it('rethrows the reason of an abort and leaves no file, finished or not', async () => {
    const abort = new AbortController();
    const reason = new Error('the user changed their mind');
    const partsSeen: string[][] = [];
    const onProgress = ({ fraction }: { fraction: number }) => {
      if (fraction === 0 || abort.signal.aborted) return;
      // Synchronously: an instant after the abort they are gone.
      partsSeen.push(readdirSync(folder));
      abort.abort(reason);
    };

    await expect(copyWeights(plan, { signal: abort.signal, onProgress })).rejects.toBe(reason);

    expect(partsSeen.flat().some((name) => name.endsWith('.part'))).toBe(true);
    expect(await filesLeft()).toEqual([]);
  });

  it('does not even start when the signal is aborted already', async () => {
    const signal = AbortSignal.abort(new Error('too late'));
    await expect(copyWeights(plan, { ...noProgress, signal })).rejects.toThrow('too late');
  });

  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGHUP', 129],
  ] as const)('removes its files by itself on %s and exits with %d', async (signal, exitCode) => {
    const planFile = join(folder, 'input-plan.json');
    await writeFile(planFile, JSON.stringify(plan));
    const child = spawn(locateWeights(), ['copy', '--plan', planFile], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    await untilHalfWritten(child);

    child.kill(signal);

    expect(await once(child, 'exit')).toEqual([exitCode, null]);
    expect(await filesLeft()).toEqual([]);
  });

  it('removes the parts of an executable that was killed and could not', async () => {
    const killed = await fakeExecutable(`: > '${folder}/small'.$5.part; kill -9 $$`);

    await expect(copyWeights(plan, noProgress, killed)).rejects.toMatchObject({ name: 'ToolCrashed' });

    expect(await filesLeft()).toEqual([]);
  });

  it('tells why a program ended that did not wait for all of its plan', async () => {
    const refusing = await fakeExecutable('exit 3');
    // More than a pipe holds.
    const outputs = Array.from({ length: 20_000 }, (_, at) => ({
      path: join(folder, `${at}`),
      bytes: 0,
      pieces: [],
    }));

    await expect(copyWeights({ version: 1, outputs }, noProgress, refusing)).rejects.toMatchObject({
      name: 'ToolFailed',
      message: expect.stringContaining('exit code 3'),
    });
  });

  it('tells an end by somebody else’s signal from a refusal', async () => {
    const ended = await fakeExecutable('exit 143');
    await expect(copyWeights(plan, noProgress, ended)).rejects.toMatchObject({ name: 'ToolCrashed' });
  });
});

async function untilHalfWritten(child: ChildProcessByStdio<null, Readable, null>): Promise<void> {
  for await (const chunk of child.stdout) {
    if (/"doneBytes":[1-9]/.test(String(chunk))) break;
  }
}

describe('an executable of another version', () => {
  it('is ended at the first line that is no event', async () => {
    const strange = await fakeExecutable('echo hello; exec sleep 60');
    await expect(copyWeights(plan, noProgress, strange)).rejects.toMatchObject({
      name: 'ToolFailed',
      message: 'enginewright-weights wrote a line that is no event: hello',
      hint: expect.stringContaining('npm run setup'),
    });
  });

  it('is not believed when it ends well without telling what it wrote', async () => {
    const silent = await fakeExecutable('exit 0');
    await expect(copyWeights(plan, noProgress, silent)).rejects.toThrow(`did not report ${folder}/small`);
  });

  it('cannot pass a digest that is none', async () => {
    const event = `{"event":"output","path":"${folder}/small","bytes":1,"sha256":"abc"}`;
    const wrong = await fakeExecutable(`echo '${event}'`);
    await expect(copyWeights(plan, noProgress, wrong)).rejects.toThrow('a line that is no event');
  });
});
