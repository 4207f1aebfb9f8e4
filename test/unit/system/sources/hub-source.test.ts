import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HubSource } from '../../../../core/domain/plan.ts';
import { startLoopbackHub, type LoopbackHub } from '../../../../system/loopback-hub/start-loopback-hub.ts';
import { createSources } from '../../../../system/sources/create-sources.ts';
import { makeSmallRepository, type SmallRepository } from '../../../fixtures/small-repository.ts';

const scope = { signal: new AbortController().signal, onProgress: () => undefined };

describe('a source on the hub', () => {
  let repository: SmallRepository;
  let hub: LoopbackHub;
  let home: string;
  const source = (tokenVariable = 'HF_TOKEN'): HubSource => ({
    kind: 'hub',
    repository: repository.repo,
    revision: 'main',
    endpoint: hub.endpoint,
    tokenVariable,
  });

  beforeEach(async () => {
    repository = await makeSmallRepository();
    home = await mkdtemp(join(tmpdir(), 'enginewright-home-'));
  });
  afterEach(async () => {
    await hub.close();
    await repository[Symbol.asyncDispose]();
    await rm(home, { recursive: true, force: true });
  });

  it('has another commit once a byte of its weights changes, and the old one when it changes back', async () => {
    hub = await startLoopbackHub({ root: repository.root });
    const model = createSources({ raw: {} }, home)(source());
    const before = await model.resolve(scope);
    const changed = Buffer.from(repository.weights);
    changed.writeUInt8(changed.readUInt8(1000) ^ 1, 1000);

    await writeFile(join(repository.folder, 'model.safetensors'), changed);
    const after = await model.resolve(scope);
    await writeFile(join(repository.folder, 'model.safetensors'), repository.weights);

    expect(after).not.toBe(before);
    expect(await model.resolve(scope)).toBe(before);
  });

  it('is fetched whole into the folder and into the home, and nowhere else', async () => {
    hub = await startLoopbackHub({ root: repository.root });
    const model = createSources({ raw: {} }, home)(source());
    const out = join(home, 'out');

    const listing = await model.list(await model.resolve(scope), scope);
    const facts = await model.fetch(listing, out, scope);

    expect(facts).toMatchObject({ format: 'safetensors', commit: listing.commit });
    expect(repository.weights.equals(await readFile(join(out, 'model.safetensors')))).toBe(true);
    expect(await readdir(home)).toEqual(expect.arrayContaining(['hub', 'out']));
  });

  it("leaves a repository's manifest.json out: the store keeps that name for itself", async () => {
    await writeFile(join(repository.folder, 'manifest.json'), '{}');
    hub = await startLoopbackHub({ root: repository.root });
    const model = createSources({ raw: {} }, home)(source());

    const listing = await model.list(await model.resolve(scope), scope);

    expect(listing.files.map(({ path }) => path)).not.toContain('manifest.json');
    expect(listing.files.map(({ path }) => path)).toContain('config.json');
  });

  it('is read with the token the recipe names, and never with another one', async () => {
    hub = await startLoopbackHub({
      root: repository.root,
      tokens: { hf_friend: [repository.repo] },
      gated: [repository.repo],
    });
    const raw = { TEAM_TOKEN: 'hf_friend', HF_TOKEN: 'hf_friend' };
    const fetchWith = async (tokenVariable: string): Promise<unknown> => {
      const model = createSources({ raw }, home)(source(tokenVariable));
      const listing = await model.list(await model.resolve(scope), scope);
      return model.fetch(listing, join(home, tokenVariable), scope);
    };

    await expect(fetchWith('TEAM_TOKEN')).resolves.toMatchObject({ format: 'safetensors' });
    await rm(join(home, 'hub'), { recursive: true });
    await expect(fetchWith('UNSET_TOKEN')).rejects.toMatchObject({ name: 'AccessDenied' });
  });

  it('gives the files that the recipe chooses', async () => {
    await writeFile(join(repository.folder, 'model.fp16.safetensors'), 'other');
    hub = await startLoopbackHub({ root: repository.root });
    const choose = async (files: NonNullable<HubSource['files']>): Promise<string[]> => {
      const model = createSources({ raw: {} }, home)({ ...source(), files });
      const listing = await model.list(await model.resolve(scope), scope);
      return listing.files.map(({ path }) => path);
    };

    expect(await choose({ allow: ['*.safetensors'] })).toEqual([
      'model.fp16.safetensors',
      'model.safetensors',
    ]);
    expect(await choose({ ignore: ['templates/'] })).toEqual(['config.json', 'model.safetensors']);
  });

  it('is read from the cache alone when the hub may not be asked', async () => {
    hub = await startLoopbackHub({ root: repository.root });
    const online = createSources({ raw: {} }, home)(source());
    const before = await online.list(await online.resolve(scope), scope);
    await online.fetch(before, join(home, 'first'), scope);
    const offline = createSources(
      { raw: { HF_HUB_OFFLINE: '1' } },
      home,
    )({
      ...source(),
      endpoint: 'http://127.0.0.1:1',
    });

    const listing = await offline.list(await offline.resolve(scope), scope);
    await offline.fetch(listing, join(home, 'second'), scope);

    expect(listing.commit).toBe(before.commit);
    expect(listing.files.map(({ path }) => path)).toEqual(before.files.map(({ path }) => path));
    expect(repository.weights.equals(await readFile(join(home, 'second', 'model.safetensors')))).toBe(true);
  });
});
