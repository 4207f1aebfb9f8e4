import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The folder of the checkout or installed package, found by a file only that folder has, so that the answer is the
 * same from the sources and from dist/.
 */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'tools', 'temporal-server.lock.json'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error('the package lacks tools/temporal-server.lock.json');
    folder = parent;
  }
  return folder;
}
