import { setTimeout as sleep } from 'node:timers/promises';
import { readFile, readdir } from 'node:fs/promises';

const pollMs = 20;

/**
 * Ends a process group: SIGTERM, then SIGKILL after `graceMs`, and waits until no living member is left.
 * `groupId` is the pid of a child that was started detached. Unlike child.kill() this reaches grandchildren.
 */
export async function endGroup(groupId: number, graceMs: number): Promise<void> {
  if (!signalGroup(groupId, 'SIGTERM')) return;
  const deadline = Date.now() + graceMs;
  while (Date.now() < deadline) {
    if (!(await groupIsAlive(groupId))) return;
    await sleep(pollMs);
  }
  signalGroup(groupId, 'SIGKILL');
  while (await groupIsAlive(groupId)) await sleep(pollMs);
}

function signalGroup(groupId: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(-groupId, signal);
    return true;
  } catch {
    return false;
  }
}

/** kill(pid, 0) is also true for zombies, so the state is read: a member counts only while it can still run. */
export async function groupIsAlive(groupId: number): Promise<boolean> {
  try {
    process.kill(-groupId, 0);
  } catch {
    return false;
  }
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  const states = await Promise.all(pids.map((pid) => groupAndState(pid)));
  return states.some((entry) => entry?.group === groupId && entry.state !== 'Z' && entry.state !== 'X');
}

/** Fields 3 (state) and 5 (process group) of /proc/PID/stat, proc(5); the name in field 2 may contain spaces. */
async function groupAndState(pid: string): Promise<{ state: string; group: number } | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: state ?? 'X', group: Number(group) };
  } catch {
    return undefined;
  }
}
