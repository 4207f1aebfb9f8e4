import { readdirSync, readFileSync } from 'node:fs';

interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** Living processes of this machine (proc(5)); zombies, which only wait to be read, are left out. */
function processes(): ProcessRow[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.flatMap((name) => {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      // The name in brackets may hold spaces and brackets itself.
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (state === 'Z') return [];
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      return [{ pid: Number(name), parent: Number(parent), command }];
    } catch {
      return [];
    }
  });
}

export function isRunning(pid: number): boolean {
  return processes().some((row) => row.pid === pid);
}

/** Pids of the llama.cpp children of a worker. */
export function llamaChildrenOf(worker: number): number[] {
  return processes()
    .filter(({ parent, command }) => parent === worker && /llama-cpp\/child\.[jt]s/.test(command))
    .map(({ pid }) => pid);
}

/** Every process below one, to any depth. */
export function descendantsOf(ancestor: number): number[] {
  const rows = processes();
  const below = (parent: number): number[] =>
    rows.filter((row) => row.parent === parent).flatMap(({ pid }) => [pid, ...below(pid)]);
  return below(ancestor);
}
