#!/usr/bin/env node
// What `npm run check` runs before a commit, in under a minute: types, lint, format, layers, dead code, file sizes, and
// the fast tests. Tests that wait for clocks or for many processes (`*.slow.test.ts`) and the other kinds run with
// `npm test`. Everything runs, also after a failure, so that one look shows all there is to mend.
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const run = promisify(execFile);
const bin = (name) => join(root, 'node_modules', '.bin', name);
const sources = ['config', 'core', 'workflows', 'activities', 'system', 'workers', 'cli', 'tools'];

const checks = [
  // Incremental: the second time only what changed is looked at.
  ['types', bin('tsc'), ['--noEmit', '--incremental', '--tsBuildInfoFile', '.cache/check.tsbuildinfo']],
  ['lint', bin('oxlint'), []],
  ['format', bin('oxfmt'), ['--check']],
  [
    'layers',
    bin('depcruise'),
    ['--config', '.dependency-cruiser.mjs', '--output-type', 'err-long', ...sources],
  ],
  ['dead code', bin('knip'), []],
  ['sizes', process.execPath, ['tools/count-lines.mjs']],
  ['unit tests', bin('vitest'), ['run', '--project', 'unit', '--exclude', '**/*.slow.test.ts']],
  ['replay', bin('vitest'), ['run', '--project', 'replay']],
];

/** A check before every commit is only made when it is quick. */
const targetSeconds = 60;
let failed = 0;
const begun = Date.now();

async function check([name, file, args]) {
  const started = Date.now();
  const seconds = () => `${((Date.now() - started) / 1000).toFixed(1)} s`;
  try {
    const { stdout } = await run(file, args, { cwd: root, maxBuffer: 1 << 28 });
    process.stdout.write(`✔ ${name.padEnd(10)}  ${seconds()}\n`);
    if (name === 'sizes') process.stdout.write(stdout);
  } catch (error) {
    failed += 1;
    process.stdout.write(
      `✘ ${name.padEnd(10)}  ${seconds()}\n${error.stdout ?? ''}${error.stderr ?? error.message}\n`,
    );
  }
}

// Two at a time: that many cores this project is built for.
const waiting = [...checks];
const lane = async () => {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await check(next);
};
await Promise.all([lane(), lane()]);
const seconds = Math.round((Date.now() - begun) / 1000);
process.stdout.write(
  `${failed === 0 ? 'all is well' : `${failed} of ${checks.length} failed`} after ${seconds} s\n`,
);
// No failure: a busy machine is nobody's mistake. On an idle one something has to become faster or `*.slow.test.ts`.
if (seconds > targetSeconds) process.stderr.write(`That should take less than ${targetSeconds} s.\n`);
process.exitCode = failed === 0 ? 0 : 1;
