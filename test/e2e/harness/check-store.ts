import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isBuildFailure } from '../../../core/domain/failures.ts';
import { isDigest } from '../../../core/domain/artifact.ts';
import { createFolderStore } from '../../../system/artifact-store/folder-store.ts';

/**
 * What is wrong with a store that nobody works in: objects that do not verify byte for byte, keys that point nowhere,
 * leases, scratch folders and temporary files left behind, anything set aside as damaged. Empty: all is well.
 */
export async function faultsOfStore(home: string): Promise<string[]> {
  const root = join(home, 'store');
  const store = createFolderStore(root);
  const faults: string[] = [];
  for (const name of await entries(root, 'objects')) {
    if (!isDigest(name)) faults.push(`objects/${name} is no digest`);
    else
      await store
        .verify(name)
        .catch((error: unknown) => faults.push(isBuildFailure(error) ? error.message : String(error)));
  }
  for (const name of await entries(root, 'keys')) faults.push(...(await faultsOfKey(root, name)));
  for (const rest of ['scratch', 'leases', 'damaged']) {
    faults.push(...(await entries(root, rest)).map((name) => `${rest}/${name} was left behind`));
  }
  return faults;
}

async function faultsOfKey(root: string, name: string): Promise<string[]> {
  if (!/^[0-9a-f]{64}\.json$/.test(name)) return [`keys/${name} is no key`];
  const { artifact } = JSON.parse(await readFile(join(root, 'keys', name), 'utf8')) as {
    artifact: { digest: string };
  };
  const found = await entries(root, 'objects');
  return found.includes(artifact.digest)
    ? []
    : [`keys/${name} points at ${artifact.digest}, which is not there`];
}

function entries(root: string, folder: string): Promise<string[]> {
  return readdir(join(root, folder)).catch(() => []);
}
