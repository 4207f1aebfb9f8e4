import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { takeLease } from '../../../../system/artifact-store/lease.ts';
import { sha256OfText } from '../../../../system/files/hash-file.ts';
import { startStoreProcess } from '../../../fixtures/start-store-process.ts';

const key = sha256OfText('a key');
let root = '';
let path = '';
const never = { signal: new AbortController().signal, onWait: () => undefined };

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'enginewright-lease-'));
  path = join(root, 'leases', key);
  await mkdir(join(root, 'leases'));
});

afterEach(() => rm(root, { recursive: true, force: true }));

/** The id of a process that has ended. */
async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  return child.pid ?? 0;
}

function holder(host: string, pid: number): string {
  return JSON.stringify({ host, pid, token: 'a token' });
}

async function touchedSecondsAgo(seconds: number): Promise<void> {
  const then = new Date(Date.now() - seconds * 1000);
  await utimes(path, then, then);
}

/** True when a lease is had within the time; it is given back. */
async function isHadWithin(ms: number): Promise<boolean> {
  const lease = takeLease(path, key, { ...never, signal: AbortSignal.timeout(ms) });
  return await lease.then(
    async (taken) => {
      await taken[Symbol.asyncDispose]();
      return true;
    },
    () => false,
  );
}

describe('a lease', () => {
  it('is had by one at a time, in turn', async () => {
    let holders = 0;
    let most = 0;
    const user = async (): Promise<void> => {
      await using _lease = await takeLease(path, key, never);
      holders += 1;
      most = Math.max(most, holders);
      await sleep(5);
      holders -= 1;
    };
    await Promise.all(Array.from({ length: 6 }, user));

    expect(most).toBe(1);
    expect(await readdir(join(root, 'leases'))).toEqual([]);
  });

  it('tells who waits, and lets go of the wait when asked to', async () => {
    await using _lease = await takeLease(path, key, never);
    const stop = new AbortController();
    let waited = 0;
    const wait = takeLease(path, key, {
      signal: stop.signal,
      onWait() {
        waited += 1;
        if (waited === 2) stop.abort(new Error('enough'));
      },
    });

    await expect(wait).rejects.toThrow('enough');
    expect(await isHadWithin(400)).toBe(false);
  });

  it('of a process that was killed is taken over at once', async () => {
    using killed = await startStoreProcess('hold', root, key);
    killed.go();
    await killed.line();
    expect(await isHadWithin(400)).toBe(false);

    killed.child.kill('SIGKILL');
    await once(killed.child, 'exit');

    expect(await isHadWithin(1_000)).toBe(true);
  });

  it('of a dead process is taken over by one of many', async () => {
    const pid = await deadPid();
    /** The most of eight that ever held this lease at a time. */
    const mostHoldersOf = async (own: string): Promise<number> => {
      await writeFile(own, holder(hostname(), pid));
      let holders = 0;
      let most = 0;
      const user = async (): Promise<void> => {
        await using _lease = await takeLease(own, key, never);
        holders += 1;
        most = Math.max(most, holders);
        await sleep(2);
        holders -= 1;
      };
      await Promise.all(Array.from({ length: 8 }, user));
      return most;
    };
    // All at once: who waits for a lease mostly sleeps.
    const rounds = Array.from({ length: 20 }, (_, round) => mostHoldersOf(`${path}-${round}`));

    expect(await Promise.all(rounds)).toEqual(rounds.map(() => 1));
  });

  it('whose holder’s pid now belongs to someone else is taken over by its age', async () => {
    await writeFile(path, holder(hostname(), process.pid));
    expect(await isHadWithin(400)).toBe(false);
    await touchedSecondsAgo(31);

    expect(await isHadWithin(400)).toBe(true);
  });

  it('of another host is taken over only when it has not been touched for half a minute', async () => {
    await writeFile(path, holder('elsewhere', await deadPid()));
    await touchedSecondsAgo(25);
    expect(await isHadWithin(400)).toBe(false);

    await touchedSecondsAgo(31);
    expect(await isHadWithin(400)).toBe(true);
  });

  it.each([
    ['cannot be read', 'nonsense'],
    ['is null', 'null'],
    ['names no host', JSON.stringify({ pid: process.pid })],
    ['names a process by a text', JSON.stringify({ host: hostname(), pid: `${process.pid}` })],
  ])('that %s is nobody’s', async (_, content) => {
    await writeFile(path, content);

    expect(await isHadWithin(400)).toBe(true);
  });

  it('that was taken over meanwhile is left to its new holder', async () => {
    const lease = await takeLease(path, key, never);
    await writeFile(path, holder('elsewhere', 1));
    await lease[Symbol.asyncDispose]();

    expect(await isHadWithin(400)).toBe(false);
  });
});
