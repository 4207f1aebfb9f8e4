import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { Digest } from '../../../../core/domain/artifact.ts';
import { createFolderStore } from '../../../../system/artifact-store/folder-store.ts';
import { reapScratch } from '../../../../system/artifact-store/scratch.ts';
import { startStoreProcess } from '../../../fixtures/start-store-process.ts';

const kills = 30;

it(`${kills} publishers killed at any moment leave only whole objects, and no key without one`, async () => {
  const root = await mkdtemp(join(tmpdir(), 'enginewright-killed-'));
  const store = createFolderStore(root);
  const killOne = async (): Promise<void> => {
    using publisher = await startStoreProcess('publish-on', root);
    publisher.go();
    await publisher.line();
    await sleep(Math.random() * 40);
    publisher.child.kill('SIGKILL');
    await once(publisher.child, 'exit');
  };
  for (let killed = 0; killed < kills; killed += 2) await Promise.all([killOne(), killOne()]);

  const names = await readdir(join(root, 'objects'));
  for (const name of names) await store.verify(name as Digest);
  const keys = (await readdir(join(root, 'keys'))).filter((name) => name.endsWith('.json'));
  for (const name of keys) {
    expect(await store.lookup(name.slice(0, 64) as Digest, 'model')).not.toBeNull();
  }
  const left = await readdir(join(root, 'scratch'));

  // The kills came while something was written, and what they left is told from work in progress.
  expect(names.length).toBeGreaterThanOrEqual(kills);
  expect(keys.length).toBeGreaterThanOrEqual(names.length - kills);
  expect(left.length).toBeGreaterThan(0);
  expect(await reapScratch(join(root, 'scratch'))).toBe(left.length);
  await rm(root, { recursive: true });
});
