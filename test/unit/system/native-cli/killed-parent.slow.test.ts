import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startCli } from '../../../../tools/chaos/kill-once.ts';
import { safetensorsFile } from '../../../fixtures/weights/memory-source.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'enginewright-killed-parent-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function contentOf(file: string): Promise<string> {
  for (;;) {
    const text = await readFile(file, 'utf8').catch(() => '');
    if (text !== '') return text;
    await sleep(20);
  }
}

it('a command line killed while the native program runs leaves nothing in the temporary folder', async () => {
  const temporary = join(folder, 'temporary');
  const fake = join(folder, 'fake');
  const from = join(folder, 'a.safetensors');
  const pidFile = join(folder, 'pid');
  const planFile = join(folder, 'plan');
  await mkdir(temporary);
  const header = '{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"__metadata__":{"format":"pt"}}';
  await writeFile(from, safetensorsFile(header, 4));
  // Where the plan is: a file for the native program, or its stdin.
  const script = `if [ -f "$3" ]; then cat "$3"; else cat; fi > '${planFile}'\necho $$ > '${pidFile}'\nexec sleep 600\n`;
  await writeFile(fake, `#!/bin/sh\n${script}`);
  await chmod(fake, 0o755);

  const env = { ...process.env, TMPDIR: temporary, ENGINEWRIGHT_WEIGHTS: fake };
  const cli = startCli(['convert', from, join(folder, 'out.bin'), '--to', 'bin'], env);
  const ended = once(cli, 'exit');
  const native = Number(await contentOf(pidFile));
  cli.kill('SIGKILL');

  expect(await ended).toEqual([null, 'SIGKILL']);
  process.kill(native, 'SIGKILL');
  expect(JSON.parse(await readFile(planFile, 'utf8'))).toMatchObject({ version: 1 });
  expect(await readdir(temporary)).toEqual([]);
});
