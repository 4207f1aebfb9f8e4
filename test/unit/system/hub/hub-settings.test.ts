import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hubSettings } from '../../../../system/hub/hub-settings.ts';

describe('hubSettings', () => {
  let home = '';
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'enginewright-settings-'));
    await writeFile(join(home, 'token'), 'hf_from_file\n');
  });
  afterAll(() => rm(home, { recursive: true }));

  it('goes to huggingface.co and the cache in the home folder without any variable', async () => {
    expect(await hubSettings({ HOME: '/home/ada' })).toEqual({
      endpoint: 'https://huggingface.co',
      cacheFolder: '/home/ada/.cache/huggingface/hub',
      offline: false,
    });
  });

  it.each([
    [{ XDG_CACHE_HOME: '/x' }, '/x/huggingface/hub'],
    [{ XDG_CACHE_HOME: '/x', HF_HOME: '/h' }, '/h/hub'],
    [{ HF_HOME: '/h', HUGGINGFACE_HUB_CACHE: '/old' }, '/old'],
    [{ HF_HOME: '/h', HUGGINGFACE_HUB_CACHE: '/old', HF_HUB_CACHE: '/new' }, '/new'],
    [{ HF_HOME: '~/hf' }, '/home/ada/hf/hub'],
    [{ HF_HUB_CACHE: '', HF_HOME: '/h' }, '/h/hub'],
  ])('finds the cache with %j in %s', async (environment, folder) => {
    const { cacheFolder } = await hubSettings({ HOME: '/home/ada', ...environment });
    expect(cacheFolder).toBe(folder);
  });

  it('takes the endpoint without its trailing slash', async () => {
    const { endpoint } = await hubSettings({ HOME: home, HF_ENDPOINT: 'http://mirror.local:8080/hf/' });
    expect(endpoint).toBe('http://mirror.local:8080/hf');
  });

  it('prefers the token variable, trimmed, to the token file', async () => {
    expect((await hubSettings({ HF_HOME: home, HF_TOKEN: ' hf_named\n' })).token).toBe('hf_named');
    expect((await hubSettings({ HF_HOME: home })).token).toBe('hf_from_file');
    expect((await hubSettings({ HOME: '/home/ada', HF_TOKEN_PATH: join(home, 'token') })).token).toBe(
      'hf_from_file',
    );
  });

  it('sends no token when implicit tokens are switched off', async () => {
    const settings = await hubSettings({
      HF_HOME: home,
      HF_TOKEN: 'hf_named',
      HF_HUB_DISABLE_IMPLICIT_TOKEN: '1',
    });
    expect(settings).not.toHaveProperty('token');
  });

  it.each(['HF_HUB_OFFLINE', 'TRANSFORMERS_OFFLINE'])('stays offline when %s says so', async (name) => {
    expect(await hubSettings({ HOME: '/home/ada', [name]: '1' })).toMatchObject({ offline: true });
    expect(await hubSettings({ HOME: '/home/ada', [name]: '0' })).toMatchObject({ offline: false });
  });
});
