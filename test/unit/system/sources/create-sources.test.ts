import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startLoopbackHub, type LoopbackHub } from '../../../../system/loopback-hub/start-loopback-hub.ts';
import { createSources } from '../../../../system/sources/create-sources.ts';
import { makeSmallRepository, type SmallRepository } from '../../../fixtures/small-repository.ts';

const scope = { signal: new AbortController().signal, onProgress: () => undefined };

describe('the cache of a source on the hub', () => {
  let repository: SmallRepository;
  let hub: LoopbackHub;
  let place: string;
  beforeEach(async () => {
    repository = await makeSmallRepository();
    hub = await startLoopbackHub({ root: repository.root });
    place = await mkdtemp(join(tmpdir(), 'enginewright-caches-'));
  });
  afterEach(async () => {
    await hub.close();
    await repository[Symbol.asyncDispose]();
    await rm(place, { recursive: true, force: true });
  });

  /** Where blobs lie after a fetch: a folder of `place`. */
  async function cacheBy(variables: Readonly<Record<string, string>>): Promise<string[]> {
    // Whoever ignores what is set finds a home of its own.
    const raw = { HOME: join(place, 'user'), ...variables };
    const source = createSources(
      { raw },
      join(place, 'home'),
    )({
      kind: 'hub',
      repository: repository.repo,
      revision: 'main',
      endpoint: hub.endpoint,
      tokenVariable: 'HF_TOKEN',
    });
    const listing = await source.list(await source.resolve(scope), scope);
    await source.fetch(listing, join(place, 'out'), scope);
    const found = await readdir(place, { recursive: true });
    return found.filter((path) => path.endsWith('models--tiny--model') && !path.includes('.locks'));
  }
  const at = (...parts: readonly string[]) => join(place, ...parts);

  it.each([
    ['the home, when nothing is set', () => ({}), 'home/hub'],
    ['HF_HOME/hub', () => ({ HF_HOME: at('hf') }), 'hf/hub'],
    ['HF_HUB_CACHE', () => ({ HF_HUB_CACHE: at('cache') }), 'cache'],
    ['HF_HUB_CACHE before HF_HOME', () => ({ HF_HUB_CACHE: at('cache'), HF_HOME: at('hf') }), 'cache'],
    ['the older name', () => ({ HUGGINGFACE_HUB_CACHE: at('older') }), 'older'],
    [
      'the home, when the variables are empty',
      () => ({ HF_HOME: '', HF_HUB_CACHE: ' ', HUGGINGFACE_HUB_CACHE: '' }),
      'home/hub',
    ],
    ['HF_HOME/hub beside an empty HF_HUB_CACHE', () => ({ HF_HOME: at('hf'), HF_HUB_CACHE: '' }), 'hf/hub'],
    ['the home, when only XDG_CACHE_HOME is set', () => ({ XDG_CACHE_HOME: at('xdg') }), 'home/hub'],
  ])('is %s', async (_, variables, folder) => {
    expect(await cacheBy(variables())).toEqual([join(folder, 'models--tiny--model')]);
  });
});
