import { randomUUID } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { asStoreFailure, makeFolder } from '../files/atomic-write.ts';
import { isAlive } from '../process/is-alive.ts';
import type { Scratch } from './contract.ts';

/** Folder names carry host and pid, so that what a killed worker left behind can be told from work in progress. */
export async function createScratch(root: string): Promise<Scratch> {
  const folder = join(root, `${hostname()}~${process.pid}~${randomUUID()}`);
  try {
    await makeFolder(folder);
  } catch (error) {
    throw asStoreFailure(error, root);
  }
  return { folder, [Symbol.asyncDispose]: () => removeFolder(folder) };
}

/** Removes the scratch folders of processes on this host that are gone. Called when a worker starts. */
export async function reapScratch(root: string): Promise<number> {
  const names = await readdir(root).catch(() => []);
  const dead = names.filter((name) => {
    const [host, pid] = name.split('~');
    return host === hostname() && !isAlive(Number(pid));
  });
  for (const name of dead) await removeFolder(join(root, name));
  return dead.length;
}

function removeFolder(folder: string): Promise<void> {
  return rm(folder, { recursive: true, force: true, maxRetries: 3 });
}
