import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Digest } from '../../core/domain/artifact.ts';
import { createAtomically } from '../files/atomic-write.ts';
import { isAlive } from '../process/is-alive.ts';
import type { Lease } from './contract.ts';

/** A holder touches its lease this often … */
const refreshMs = 5_000;
/** … and one untouched for this long is taken over. Six missed refreshes: a slow NFS is no crash. */
const staleMs = 30_000;
const pollMs = 150;

const Holder = z.object({ host: z.string(), pid: z.int().positive() });

/**
 * One file per key, created exclusively. On the same host a dead holder is seen at once by its pid; else, also when
 * its pid was given to another process, by the file's age. Losing a lease is harmless: publishing the same content twice gives the same object.
 */
export async function takeLease(
  path: string,
  key: Digest,
  wait: { signal: AbortSignal; onWait: () => void },
): Promise<Lease> {
  const token = JSON.stringify({ host: hostname(), pid: process.pid, token: randomUUID() });
  while (!(await createAtomically(path, token))) {
    wait.signal.throwIfAborted();
    const found = await read(path);
    if (found !== null && (await isStale(path, found))) await discard(path, found);
    else {
      wait.onWait();
      await sleep(pollMs, undefined, { signal: wait.signal }).catch(() => wait.signal.throwIfAborted());
    }
  }
  const isHeld = async (): Promise<boolean> => (await read(path)) === token;
  // A lease that was lost is another's to refresh: it must grow stale when that one dies.
  const refresh = setInterval(
    () =>
      void isHeld()
        .then((held) => (held ? utimes(path, new Date(), new Date()) : clearInterval(refresh)))
        .catch(() => undefined),
    refreshMs,
  );
  refresh.unref();
  return {
    key,
    isHeld,
    async [Symbol.asyncDispose]() {
      clearInterval(refresh);
      if (await isHeld()) await rm(path, { force: true });
    },
  };
}

async function isStale(path: string, text: string): Promise<boolean> {
  const holder = readHolder(text);
  // A lease is written whole, so what is none is damage and holds nothing.
  if (holder === null || (holder.host === hostname() && !isAlive(holder.pid))) return true;
  const touched = await stat(path).catch(() => null);
  return touched !== null && Date.now() - touched.mtimeMs > staleMs;
}

function readHolder(text: string): z.output<typeof Holder> | null {
  try {
    return Holder.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/** A rename first: of two who saw the same stale lease the later one must not remove what the first then took. */
async function discard(path: string, stale: string): Promise<void> {
  const aside = `${path}.${randomUUID()}.stale`;
  await rename(path, aside).catch(() => undefined);
  const moved = await read(aside);
  if (moved !== null && moved !== stale) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
}

function read(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch(() => null);
}
