import { join } from 'node:path';
import type { SourcePlan } from '../../core/domain/plan.ts';
import { hubSettings } from '../hub/hub-settings.ts';
import type { ModelSource } from './contract.ts';
import { createFolderSource } from './folder-source.ts';
import { createHubSource } from './hub-source.ts';

/** `raw`: the environment as it stands; tokens are read from it by name, here and nowhere else. */
export function createSources(
  { raw }: { readonly raw: Readonly<Record<string, string | undefined>> },
  home: string,
) {
  const ownCache = join(home, 'hub');
  return (source: SourcePlan): ModelSource => {
    if (source.kind === 'folder') return createFolderSource(source);
    return createHubSource(source, async () => {
      const named = raw[source.tokenVariable];
      const found = await hubSettings({ ...raw, ...(named === undefined ? {} : { HF_TOKEN: named }) });
      const shared = raw['HF_HUB_CACHE'] ?? raw['HUGGINGFACE_HUB_CACHE'] ?? raw['HF_HOME'];
      return {
        ...found,
        endpoint: source.endpoint ?? found.endpoint,
        // The user's own cache is used when the user says where it is; otherwise nothing outside our home is touched.
        cacheFolder: shared === undefined ? ownCache : found.cacheFolder,
      };
    });
  };
}
