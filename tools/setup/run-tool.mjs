import { spawn } from 'node:child_process';
import { SetupProblem } from './problem.mjs';

const keptLines = 40;

/**
 * Runs a command to its end, silently; a failure throws SetupProblem with the last lines it wrote.
 * Returns everything written to stdout.
 * @param {string} file
 * @param {readonly string[]} args
 * @param {{ cwd?: string, input?: string, env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<string>}
 */
export function runTool(file, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd: options.cwd, env: options.env ?? process.env, detached: true });
    const stop = endWith(child);
    let stdout = '';
    let all = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
      all = lastPart(all + chunk);
    });
    child.stderr.on('data', (chunk) => (all = lastPart(all + chunk)));
    // A tool that ends without reading its input is judged by its exit code, not by the broken pipe.
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
    child.on('error', (error) => {
      stop();
      reject(new SetupProblem(`${file} did not start: ${error.message}`));
    });
    child.on('close', (exitCode, signal) => {
      stop();
      if (exitCode === 0) return resolve(stdout);
      const how = signal === null ? `exit code ${exitCode}` : `signal ${signal}`;
      reject(
        new SetupProblem(`${[file, ...args].join(' ')}\n${tail(all)}\nended with ${how}`, { exitCode: 70 }),
      );
    });
  });
}

/** An interrupted setup must not leave a compiler or a download behind; make and npm have children of their own. */
function endWith(child) {
  const end = (signal) => {
    if (child.pid !== undefined) process.kill(-child.pid, signal);
    process.exitCode = signal === 'SIGINT' ? 130 : 143;
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
  return () => {
    process.off('SIGINT', end);
    process.off('SIGTERM', end);
  };
}

function lastPart(text) {
  return text.length > 200_000 ? text.slice(-100_000) : text;
}

function tail(text) {
  return text.trimEnd().split('\n').slice(-keptLines).join('\n');
}
