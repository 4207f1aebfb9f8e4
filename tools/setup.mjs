#!/usr/bin/env node
// Makes a checkout ready to run: tools, npm packages, the Temporal server, the native programs, the compiled
// TypeScript. Every step looks first whether it has anything to do, so a second call costs a fraction of a second.
// Only Node's built-ins are used, because this runs before anything is installed.
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildNative } from './setup/build-native.mjs';
import { buildTypescript } from './setup/build-typescript.mjs';
import { checkTools } from './setup/check-tools.mjs';
import { fetchTemporalServer } from './setup/fetch-temporal-server.mjs';
import { holdLock } from './setup/hold-lock.mjs';
import { installPackages } from './setup/install-packages.mjs';
import { createProgress } from './setup/progress.mjs';
import { SetupProblem } from './setup/problem.mjs';

const steps = {
  tools: checkTools,
  packages: installPackages,
  temporal: fetchTemporalServer,
  native: buildNative,
  typescript: buildTypescript,
};

const usage = `Usage: node tools/setup.mjs [--quiet] [--only STEP]…
Steps, in order: ${Object.keys(steps).join(', ')}.
TEMPORAL_PATH names a Temporal CLI to use in place of the pinned one.`;

async function main() {
  const { values } = parseArgs({
    options: {
      quiet: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: Object.keys(steps) },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(`${usage}\n`);
    return;
  }
  const unknown = values.only.find((name) => !Object.hasOwn(steps, name));
  if (unknown !== undefined)
    throw new SetupProblem(`There is no step ${unknown}.\n${usage}`, { exitCode: 64 });

  const root = dirname(dirname(fileURLToPath(import.meta.url)));
  const progress = createProgress({ quiet: values.quiet });
  const release = await holdLock(root, progress);
  try {
    for (const [name, step] of Object.entries(steps)) {
      if (values.only.includes(name)) await step({ root, progress, environment: process.env });
    }
  } finally {
    release();
  }
  progress.finish();
}

try {
  await main();
} catch (error) {
  const isUsage = error?.code?.startsWith?.('ERR_PARSE_ARGS') ?? false;
  if (!isUsage && !(error instanceof SetupProblem)) throw error;
  process.stderr.write(`setup: ${error.message}${isUsage ? `\n${usage}` : ''}\n`);
  // An interrupt has set its own code already.
  process.exitCode ??= isUsage ? 64 : error.exitCode;
}
