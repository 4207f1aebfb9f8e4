import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const pollMs = 100;

/**
 * Lets one setup work in a checkout at a time; the others wait for it. The lock is a folder, because making one is
 * atomic everywhere. A lock whose owner is gone is taken over. Returns the function that lets go.
 */
export async function holdLock(root, progress) {
  const lock = join(root, '.cache', 'setup', 'lock');
  mkdirSync(dirname(lock), { recursive: true });
  let told = false;
  while (!tryTake(lock)) {
    const owner = readOwner(lock);
    if (owner === undefined || !isRunning(owner)) {
      takeAway(lock, owner);
      continue;
    }
    if (!told) progress.note(`another setup is at work (process ${owner}); waiting for it`);
    told = true;
    await sleep(pollMs);
  }
  const release = () => rmSync(lock, { recursive: true, force: true });
  process.once('exit', release);
  return () => {
    process.off('exit', release);
    release();
  };
}

/** The folder is made complete aside: a lock without an owner is never seen. */
function tryTake(lock) {
  const mine = `${lock}.${process.pid}`;
  mkdirSync(mine, { recursive: true });
  writeFileSync(join(mine, 'owner'), String(process.pid));
  try {
    renameSync(mine, lock);
    return true;
  } catch (error) {
    rmSync(mine, { recursive: true, force: true });
    if (error.code === 'ENOTEMPTY' || error.code === 'EEXIST') return false;
    throw error;
  }
}

function readOwner(lock) {
  try {
    return Number(readFileSync(join(lock, 'owner'), 'utf8')) || undefined;
  } catch {
    return undefined;
  }
}

/** A pid alone may have been given to someone else since; on Linux its command line tells. */
function isRunning(pid) {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('setup.mjs');
  } catch {
    return true;
  }
}

/** Of two that find the same dead lock, the slower may grab the faster one's new lock: it is put back. */
function takeAway(lock, deadOwner) {
  const aside = `${lock}.dead.${process.pid}`;
  try {
    renameSync(lock, aside);
    if (readOwner(aside) !== deadOwner) renameSync(aside, lock);
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'ENOTEMPTY') throw error;
  }
  rmSync(aside, { recursive: true, force: true });
}
