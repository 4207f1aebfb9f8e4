import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../../system/package-root.ts';

/** How a process of the command line ended, and all it said. */
export interface CliEnd {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly home: string;
  /** Added to PATH, HOME and the settings every test shares. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export interface CliProcess {
  readonly pid: number;
  readonly ended: Promise<CliEnd>;
  /** What it has written so far. */
  stdout(): string;
  stderr(): string;
  kill(signal: NodeJS.Signals): void;
}

/** Nothing of the developer's own environment reaches the command line: no tokens, no caches, no servers. */
export function cliEnvironment({ home, env = {} }: CliOptions): Record<string, string> {
  const shared = { ENGINEWRIGHT_HOME: home, ENGINEWRIGHT_THREADS: '1' };
  return { PATH: process.env['PATH'] ?? '', HOME: home, ...shared, ...env };
}

export const cliFile = join(packageRoot(), 'dist', 'cli', 'main.js');

/** Starts the compiled command line as a user's shell would. */
export function startCli(args: readonly string[], options: CliOptions): CliProcess {
  if (!existsSync(cliFile)) throw new Error(`${cliFile} is missing: run npm run setup first`);
  const child = spawn(process.execPath, [cliFile, ...args], {
    env: cliEnvironment(options),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = once(child, 'close').then(([exitCode, signal]): CliEnd => {
    return { exitCode: exitCode as number | null, signal: signal as NodeJS.Signals | null, stdout, stderr };
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('the command line cannot be started');
  return {
    pid,
    ended,
    stdout: () => stdout,
    stderr: () => stderr,
    kill: (signal) => void child.kill(signal),
  };
}

export function runCli(args: readonly string[], options: CliOptions): Promise<CliEnd> {
  return startCli(args, options).ended;
}

/** For steps of a test that must succeed: the JSON document on stdout. */
export async function jsonOf<T>(args: readonly string[], options: CliOptions): Promise<T> {
  const end = await runCli([...args, '--json'], options);
  if (end.exitCode !== 0) throw new Error(`${args.join(' ')} ended with ${end.exitCode}:\n${end.stderr}`);
  return JSON.parse(end.stdout) as T;
}
