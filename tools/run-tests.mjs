#!/usr/bin/env node
// What `npm test` runs: vitest with everything given after it, then one line with the counts. The exit code is
// vitest's own.
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readCount, summaryLine } from './summarise-tests.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const results = join(root, '.cache', 'test', 'results.json');
mkdirSync(dirname(results), { recursive: true });
// Results of an earlier run must not speak for this one.
rmSync(results, { force: true });

const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${results}`];
const child = spawn(process.execPath, [vitest, 'run', ...reporters, ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));

child.on('exit', (exitCode, signal) => {
  const count = readCount(results);
  if (exitCode !== 0 && count.failed === 0) count.failed = 1;
  process.stdout.write(`\n${summaryLine(count)}\n`);
  process.exitCode = exitCode ?? (signal === 'SIGINT' ? 130 : 143);
});
