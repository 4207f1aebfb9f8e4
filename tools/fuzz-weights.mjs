#!/usr/bin/env node
// `npm run fuzz [-- MINUTES]`: fuzzes every C++ reader with libFuzzer under the address and undefined-behaviour sanitizers,
// and every TypeScript reader with fast-check, for so many minutes in all (10 unless told). Writes docs/results/fuzz.json
// and fuzz.md. A finding ends this with 1 and is kept: of C++ in test/fixtures/fuzz/<target>, where the tests run it from then
// on; of TypeScript in .cache/fuzz/properties, and `npm run fuzz -- --replay FILE` tries it again.
import { execFile, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { replayFinding, tryProperties } from './fuzz/properties.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const run = promisify(execFile);
const minutes = Number(process.argv[2] ?? 10);
const targets = ['plan_fuzz', 'solve_fuzz', 'box_fuzz', 'text_fuzz'];
// The plan is where strangers' numbers arrive; the others are small.
const shares = { plan_fuzz: 0.45, solve_fuzz: 0.2, box_fuzz: 0.1, text_fuzz: 0.05 };
// Texts with words and sizes of their own, which libFuzzer would be long in finding.
const dictionaries = { plan_fuzz: 'plans.dict', solve_fuzz: 'plans.dict' };
const propertyShare = 0.2;
const properties = ['files', 'readers', 'answers'].map((what) => `test/property/hostile-${what}.test.ts`);
// About so many trials are in these files: each gets an equal part of the time.
const propertyTrials = 80;

async function findClang() {
  for (const name of ['clang++', ...[20, 19, 18, 17, 16, 15, 14].map((version) => `clang++-${version}`)]) {
    const found = await run(name, ['--version']).catch(() => undefined);
    if (found !== undefined) return { name, version: found.stdout.split('\n')[0] };
  }
  throw new Error('fuzzing needs clang: apt-get install clang');
}

async function build(clang) {
  const native = join(root, 'native');
  await run('cmake', ['--preset', 'fuzz', `-DCMAKE_CXX_COMPILER=${clang}`], { cwd: native });
  await run('cmake', ['--build', '--preset', 'fuzz', '--target', ...targets], {
    cwd: native,
    maxBuffer: 1 << 26,
  });
}

/** One target for so many seconds, at low priority; resolves to what it counted. */
function fuzz(target, seconds) {
  const seeds = join(root, 'test', 'fixtures', 'fuzz', target);
  const corpus = join(root, '.cache', 'fuzz', target);
  mkdirSync(corpus, { recursive: true });
  const before = new Set(readdirSync(seeds));
  const dictionary = dictionaries[target];
  const args = [
    ...(dictionary === undefined ? [] : [`-dict=${join(root, 'native', 'fuzz', dictionary)}`]),
    `-max_total_time=${seconds}`,
    '-timeout=10',
    '-rss_limit_mb=1024',
    '-max_len=4096',
    '-print_final_stats=1',
    `-artifact_prefix=${seeds}/finding-`,
    corpus,
    seeds,
  ];
  const program = join(root, 'native', 'build', 'fuzz', 'fuzz', target);
  const child = spawn('nice', ['-n', '10', program, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  let last = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    last = (last + text).slice(-20_000);
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      const number = (pattern) => Number([...last.matchAll(pattern)].at(-1)?.[1] ?? 0);
      const findings = readdirSync(seeds).filter((name) => !before.has(name));
      if (code !== 0 && findings.length === 0) findings.push(`ended with ${code}: ${last.slice(-500)}`);
      resolve({
        target,
        seconds,
        executions: number(/stat::number_of_executed_units:\s+(\d+)/g),
        edges: number(/cov: (\d+)/g),
        features: number(/ft: (\d+)/g),
        corpus: readdirSync(corpus).length,
        peakMegabytes: number(/stat::peak_rss_mb:\s+(\d+)/g),
        findings,
      });
    });
  });
}

if (process.argv[2] === '--replay') {
  const failure = await replayFinding(root, process.argv[3] ?? '');
  process.stdout.write(failure === undefined ? 'it passes now\n' : `${failure.test}\n${failure.message}\n`);
  process.exit(failure === undefined ? 0 : 1);
}
const clang = await findClang();
await build(clang.name);
const native = [];
for (const target of targets) {
  native.push(await fuzz(target, Math.round(minutes * 60 * shares[target])));
  process.stdout.write(`${JSON.stringify(native.at(-1))}\n`);
}
const seconds = Math.max(1, Math.round((minutes * 60 * propertyShare) / propertyTrials));
const typescript = await tryProperties(root, { files: properties, seconds });
process.stdout.write(`${JSON.stringify(typescript)}\n`);
const host = {
  cpu: cpus()[0]?.model ?? 'unknown',
  kernel: release(),
  node: process.version,
  clang: clang.version,
};
const record = { minutes, host, native, typescript };
const results = join(root, 'docs', 'results');
writeFileSync(join(results, 'fuzz.json'), `${JSON.stringify(record, null, 2)}\n`);
writeFileSync(join(results, 'fuzz.md'), pageOf(record));
const findings = [
  ...native.flatMap((one) => one.findings),
  ...typescript.findings.map(({ test, kept }) => `${test} (npm run fuzz -- --replay ${kept})`),
];
if (findings.length > 0) {
  process.stderr.write(`findings: ${findings.join(', ')} (${relative(root, results)}/fuzz.md)\n`);
  process.exitCode = 1;
}

function pageOf({ minutes, host, native, typescript }) {
  const rows = native.map(
    ({ target, seconds, executions, edges, features, corpus, peakMegabytes, findings }) =>
      `| ${[target, `${seconds} s`, executions.toLocaleString('en'), edges, features, corpus, `${peakMegabytes} MB`, findings.length].join(' | ')} |`,
  );
  return `# Fuzzing the readers

Made by \`npm run fuzz\`: ${minutes} minutes on one thread at low priority, libFuzzer with AddressSanitizer and
UndefinedBehaviorSanitizer for the C++ readers, fast-check for the TypeScript ones. Every finding in C++ is kept in
\`test/fixtures/fuzz\` and runs with \`npm test\`; of one in TypeScript seed and counterexample are in \`fuzz.json\`.

| target | time | executions | edges | features | corpus | peak | findings |
|---|---|---|---|---|---|---|---|
${rows.join('\n')}

fast-check: ${typescript.trials} trials of ${typescript.secondsEach} s each (${typescript.files.join(', ')}), ${typescript.findings.length} findings.

${host.clang}, Node ${host.node}, ${host.cpu}, Linux ${host.kernel}.
`;
}
