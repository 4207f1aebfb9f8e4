import { readlink, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EffectScope } from '../../../../core/domain/progress.ts';
import { fetchSnapshot } from '../../../../system/hub/fetch-snapshot.ts';
import { readCachedRevision, verifyCachedSnapshot } from '../../../../system/hub/offline.ts';
import { resolveRevision } from '../../../../system/hub/resolve-revision.ts';
import { startLoopbackHub } from '../../../../system/loopback-hub/start-loopback-hub.ts';
import { makeSmallRepository, type SmallRepository } from '../../../fixtures/small-repository.ts';

const scope: EffectScope = { signal: new AbortController().signal, onProgress: () => undefined };

describe('without the hub', () => {
  let repository: SmallRepository;
  let folder: string;
  beforeEach(async () => {
    repository = await makeSmallRepository();
    const { repo, cacheFolder } = repository;
    const hub = await startLoopbackHub({ root: repository.root });
    const { endpoint } = hub;
    const { commit, files } = await resolveRevision({ endpoint, repo, revision: 'main' }, scope);
    const wanted = { endpoint, repo, commit, files, cacheFolder, revision: 'main' };
    ({ folder } = await fetchSnapshot(wanted, scope));
    await hub.close();
  });
  afterEach(() => repository[Symbol.asyncDispose]());

  it('a branch that was fetched is known with its files, and they are verified', async () => {
    const listing = await readCachedRevision(repository, 'main');
    const snapshot = await verifyCachedSnapshot(repository, listing, scope);

    expect(listing.files.map(({ path }) => path)).toEqual([
      'config.json',
      'model.safetensors',
      'templates/chat template.jinja',
    ]);
    expect(listing.files[1]).toMatchObject({
      bytes: 3 << 20,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(snapshot.folder).toBe(folder);
  });

  it('a full commit needs no branch', async () => {
    const { commit } = await readCachedRevision(repository, 'main');

    expect((await readCachedRevision(repository, commit)).files).toHaveLength(3);
  });

  it.each([
    ['a branch that was never fetched', 'dev'],
    ['a commit that was never fetched', 'c'.repeat(40)],
    ['a name that leaves the cache', '../../main'],
  ])('%s is missing', async (_, revision) => {
    await expect(readCachedRevision(repository, revision)).rejects.toMatchObject({ name: 'OfflineMissing' });
  });

  it('a file that rotted on the disk is refused', async () => {
    const listing = await readCachedRevision(repository, 'main');
    const blob = await readlink(join(folder, 'config.json'));
    await writeFile(join(folder, blob), '{"model_type":"other"}\n');

    await expect(verifyCachedSnapshot(repository, listing, scope)).rejects.toMatchObject({
      name: 'DownloadCorrupt',
    });
  });

  it('a file that is gone is missing', async () => {
    const listing = await readCachedRevision(repository, 'main');
    await rm(join(folder, 'config.json'));

    await expect(verifyCachedSnapshot(repository, listing, scope)).rejects.toMatchObject({
      name: 'OfflineMissing',
      message: expect.stringContaining('config.json of tiny/model'),
    });
  });
});
