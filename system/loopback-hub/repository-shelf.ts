import { access, readdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { type HashMemory, type PublishedRepository, readRepository } from './published-repository.ts';

/** The repositories below a root folder: each sub-folder with `config.json` or `adapter_config.json`. */
export interface RepositoryShelf {
  /** The repository as its folder is now, or undefined. Reads only files that changed since they were last asked for. */
  find(name: string): Promise<PublishedRepository | undefined>;
  /** `namespace/folder` of each, sorted. */
  names(): Promise<readonly string[]>;
}

export function createRepositoryShelf(root: string): RepositoryShelf {
  const namespace = basename(resolve(root));
  const memory: HashMemory = new Map();
  // One reader at a time for each repository: eight parallel requests must not hash the same weights eight times.
  const reading = new Map<string, Promise<PublishedRepository>>();
  const names = async (): Promise<readonly string[]> => {
    const entries = await readdir(root, { withFileTypes: true });
    const folders = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'));
    const found = await Promise.all(
      folders.map(async ({ name }) => ((await isRepository(join(root, name))) ? [name] : [])),
    );
    return found
      .flat()
      .map((name) => `${namespace}/${name}`)
      .sort();
  };
  return {
    names,
    async find(name) {
      if (!(await names()).includes(name)) return undefined;
      const running = reading.get(name);
      if (running !== undefined) return await running;
      const folder = join(resolve(root), name.slice(namespace.length + 1));
      const fresh = readRepository(folder, name, memory).finally(() => reading.delete(name));
      reading.set(name, fresh);
      return await fresh;
    },
  };
}

async function isRepository(folder: string): Promise<boolean> {
  const exists = (name: string): Promise<boolean> =>
    access(join(folder, name)).then(
      () => true,
      () => false,
    );
  return (await exists('config.json')) || (await exists('adapter_config.json'));
}
