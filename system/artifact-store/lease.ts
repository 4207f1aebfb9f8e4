import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Digest } from '../../core/domain/artifact.ts';
import { createAtomically } from '../files/atomic-write.ts';
import { isAlive } from '../process/is-alive.ts';
import type { Lease } from './contract.ts';

/** A holder touches its lease this often … */
const refreshMs = 5_000;
/** … and one untouched for this long, on another host, is taken over. Six missed refreshes: a slow NFS is no crash. */
const staleMs = 30_000;
const pollMs = 150;

/**
 * One file per key, created exclusively. On the same host a dead holder is seen at once by its pid; across hosts by
 * the file's age. Losing a lease is harmless: publishing the same content twice gives the same object.
 */
export async function takeLease(
  path: string,
  key: Digest,
  wait: { signal: AbortSignal; onWait: () => void },
): Promise<Lease> {
  const token = JSON.stringify({ host: hostname(), pid: process.pid, token: randomUUID() });
  while (!(await createAtomically(path, token))) {
    wait.signal.throwIfAborted();
    if (await isStale(path)) await discard(path);
    else {
      wait.onWait();
      await sleep(pollMs, undefined, { signal: wait.signal }).catch(() => wait.signal.throwIfAborted());
    }
  }
  const refresh = setInterval(
    () => void utimes(path, new Date(), new Date()).catch(() => undefined),
    refreshMs,
  );
  refresh.unref();
  return {
    key,
    async [Symbol.asyncDispose]() {
      clearInterval(refresh);
      if ((await read(path)) === token) await rm(path, { force: true });
    },
  };
}

async function isStale(path: string): Promise<boolean> {
  const text = await read(path);
  if (text === null) return false;
  try {
    const holder = JSON.parse(text) as { host: string; pid: number };
    if (holder.host === hostname()) return !isAlive(holder.pid);
  } catch {
    return true;
  }
  const touched = await stat(path).catch(() => null);
  return touched !== null && Date.now() - touched.mtimeMs > staleMs;
}

/** A rename first, so that of two who saw the same stale lease only one removes it. */
async function discard(path: string): Promise<void> {
  const aside = `${path}.${randomUUID()}.stale`;
  await rename(path, aside).catch(() => undefined);
  await rm(aside, { force: true });
}

function read(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch(() => null);
}
