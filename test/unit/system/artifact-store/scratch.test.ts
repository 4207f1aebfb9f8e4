import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createScratch, reapScratch } from '../../../../system/artifact-store/scratch.ts';

it('a worker that starts removes what dead processes of its host left, and nothing else', async () => {
  const root = await mkdtemp(join(tmpdir(), 'enginewright-scratch-'));
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  const left = join(root, `${hostname()}~${child.pid}~a`);
  await mkdir(join(left, 'inner'), { recursive: true });
  await writeFile(join(left, 'inner', 'file'), '', { mode: 0o444 });
  await mkdir(join(root, `elsewhere~${child.pid}~b`));
  await using mine = await createScratch(root);

  expect(await reapScratch(root)).toBe(1);

  const rest = (await readdir(root)).toSorted();
  expect(rest).toEqual([`elsewhere~${child.pid}~b`, mine.folder.slice(root.length + 1)].toSorted());
  await rm(root, { recursive: true });
});

it('without a scratch folder there is nothing to remove', async () => {
  expect(await reapScratch(join(tmpdir(), 'enginewright-none'))).toBe(0);
});
