import { join } from 'node:path';
import type { SourcePlan } from '../../core/domain/plan.ts';
import { hubSettings } from '../hub/hub-settings.ts';
import type { ModelSource } from './contract.ts';
import { createFolderSource } from './folder-source.ts';
import { createHubSource } from './hub-source.ts';

/** By which a user says where their cache is; empty is unset, as for Hugging Face's tools. */
const cacheVariables = ['HF_HUB_CACHE', 'HUGGINGFACE_HUB_CACHE', 'HF_HOME'];

/** `raw`: the environment as it stands; tokens are read from it by name, here and nowhere else. */
export function createSources(
  { raw }: { readonly raw: Readonly<Record<string, string | undefined>> },
  home: string,
) {
  const ownCache = join(home, 'hub');
  return (source: SourcePlan): ModelSource => {
    if (source.kind === 'folder') return createFolderSource(source);
    return createHubSource(source, async () => {
      const found = await hubSettings(withToken(raw, source.tokenVariable));
      const isShared = cacheVariables.some((name) => (raw[name] ?? '').trim() !== '');
      return {
        ...found,
        endpoint: source.endpoint ?? found.endpoint,
        // The user's own cache is used when the user says where it is; otherwise nothing outside our home is touched.
        cacheFolder: isShared ? found.cacheFolder : ownCache,
      };
    });
  };
}

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * HF_TOKEN is found the way Hugging Face's tools find it, its file included. A recipe that names another variable
 * means that one only: falling back would show the hub a token its owner kept for something else.
 */
function withToken(raw: Variables, name: string): Variables {
  if (name === 'HF_TOKEN') return raw;
  const token = raw[name];
  return token === undefined
    ? { ...raw, HF_HUB_DISABLE_IMPLICIT_TOKEN: '1' }
    : { ...raw, HF_TOKEN: token, HF_HUB_DISABLE_IMPLICIT_TOKEN: undefined };
}
