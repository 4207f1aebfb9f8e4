import { existsSync } from 'node:fs';
import { execa } from 'execa';
import { BuildFailure } from '../../core/domain/failures.ts';
import { describeExit } from './describe-exit.ts';
import { endGroup } from './end-group.ts';
import { LineTail } from './tail.ts';

/** A command before it is started: always an argument array, never a shell line. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  /** Listed, not inherited; PATH alone is added. */
  readonly env?: { readonly [name: string]: string };
  readonly cwd?: string;
  /** What it reads on stdin; nothing unless given. */
  readonly input?: string;
}

export interface RunOptions {
  readonly signal: AbortSignal;
  readonly onLine?: (line: string, stream: 'stdout' | 'stderr') => void;
  /** Time between SIGTERM and SIGKILL, in ms. */
  readonly graceMs?: number;
}

export interface CommandResult {
  readonly exitCode: number;
  readonly stderrTail: string;
}

/**
 * Runs a command in a process group of its own and waits for it. An abort ends the whole group and rethrows the
 * signal's reason. An exit other than 0 throws ToolFailed (the tool said no) or ToolCrashed (a signal ended it),
 * with argv, exit and the last lines it wrote.
 */
export async function runCommand(command: Command, options: RunOptions): Promise<CommandResult> {
  options.signal.throwIfAborted();
  const tail = new LineTail();
  const child = execa(command.file, command.args, {
    detached: true,
    extendEnv: false,
    env: { PATH: process.env['PATH'] ?? '', ...command.env },
    ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
    ...(command.input === undefined ? { stdin: 'ignore' } : { input: command.input }),
    buffer: false,
    reject: false,
    cleanup: true,
  });
  const lines = Promise.all([
    readLines(child.stdout, new LineTail(), (line) => options.onLine?.(line, 'stdout')),
    readLines(child.stderr, tail, (line) => options.onLine?.(line, 'stderr')),
  ]);
  const group = endGroupOnce(child.pid, options);
  // What the command started and left behind would hold its output open.
  child.once('exit', group.end);
  // A listener that throws cannot be told more: nobody would read the output.
  lines.catch(group.end);
  try {
    const [result] = await Promise.all([child, lines]);
    options.signal.throwIfAborted();
    if (result.failed) throw commandFailure(command, result, tail.text);
    return { exitCode: 0, stderrTail: tail.text };
  } catch (error) {
    options.signal.throwIfAborted();
    throw error;
  } finally {
    await group.ended();
  }
}

async function readLines(stream: AsyncIterable<unknown>, tail: LineTail, onLine: (line: string) => void) {
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    const text = typeof chunk === 'string' ? chunk : decoder.decode(chunk as Uint8Array, { stream: true });
    for (const line of tail.push(text)) onLine(line);
  }
  for (const line of tail.end()) onLine(line);
}

/** An abort ends the group, as `end` does; `ended` waits for what was begun. */
function endGroupOnce(pid: number | undefined, { signal, graceMs = 3_000 }: RunOptions) {
  let ending: Promise<void> | undefined;
  const end = (): void => {
    if (pid !== undefined) ending ??= endGroup(pid, graceMs);
  };
  signal.addEventListener('abort', end, { once: true });
  const ended = async (): Promise<void> => {
    signal.removeEventListener('abort', end);
    await ending;
  };
  return { end, ended };
}

interface FailedResult {
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
  readonly code?: string | undefined;
  readonly originalMessage?: string | undefined;
}

function commandFailure(command: Command, result: FailedResult, tail: string): BuildFailure {
  const argv = [command.file, ...command.args];
  if (command.cwd !== undefined && !existsSync(command.cwd)) {
    return new BuildFailure('ToolFailed', `there is no folder ${command.cwd} to run ${command.file} in`, {
      details: { argv },
    });
  }
  if (result.code === 'ENOENT') {
    return new BuildFailure('ToolchainMissing', `${command.file} is not installed`, { details: { argv } });
  }
  const how = describeExit(result.exitCode, result.signal);
  // 137: SIGKILL, as a container or a shell passes it on.
  const name = result.signal === undefined && result.exitCode !== 137 ? 'ToolFailed' : 'ToolCrashed';
  const last = tail.trim().split('\n').at(-1) ?? '';
  return new BuildFailure(name, `${command.file.split('/').at(-1)} ${how}${last === '' ? '' : `: ${last}`}`, {
    details: { argv, exitCode: result.exitCode ?? null, signal: result.signal ?? null, tail },
  });
}
