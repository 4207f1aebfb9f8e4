import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { fetchSnapshot } from '../../../../system/hub/fetch-snapshot.ts';
import { resolveRevision } from '../../../../system/hub/resolve-revision.ts';
import { makeSmallRepository } from '../../../fixtures/small-repository.ts';
import { stallAfter, startUnrulyHub } from '../../../fixtures/unruly-hub.ts';

const program = fileURLToPath(new URL('../../../fixtures/fetch-snapshot-process.ts', import.meta.url));
const scope = { signal: new AbortController().signal, onProgress: () => undefined };

it('takes over from a process that was killed in the middle of a file, and asks only for the rest', async () => {
  await using repository = await makeSmallRepository();
  const { repo, cacheFolder } = repository;
  await using hub = await startUnrulyHub({ root: repository.root }, (visit, response) =>
    visit.host === 'content' && visit.count === 1 ? stallAfter(1_200_000, visit, response) : false,
  );
  const blobs = join(cacheFolder, 'models--tiny--model', 'blobs');

  const child = spawn(process.execPath, ['--import', 'tsx', program, hub.endpoint, repo, cacheFolder], {
    stdio: 'inherit',
  });
  const partial = await growing(blobs, 1_000_000);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect((await readdir(blobs)).filter((name) => name.length === 64)).toEqual([]);

  const { commit, files } = await resolveRevision({ endpoint: hub.endpoint, repo, revision: 'main' }, scope);
  const { folder } = await fetchSnapshot({ endpoint: hub.endpoint, repo, commit, files, cacheFolder }, scope);

  expect((await readFile(join(folder, 'model.safetensors'))).equals(repository.weights)).toBe(true);
  const resumed = hub.visits.findLast(({ host }) => host === 'content')?.headers.range ?? '';
  expect(Number(/^bytes=(\d+)-$/.exec(resumed)?.[1])).toBeGreaterThanOrEqual(1_000_000);
  await expect(stat(partial)).rejects.toThrow('ENOENT');
});

async function growing(blobs: string, bytes: number): Promise<string> {
  for (;;) {
    const names = await readdir(blobs).catch(() => []);
    const name = names.find((name) => name.length > 64 && name.endsWith('.incomplete'));
    const path = join(blobs, name ?? '');
    if (name !== undefined && (await stat(path)).size >= bytes) return path;
    await sleep(20);
  }
}
