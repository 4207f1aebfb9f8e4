// The fast-check half of `npm run fuzz`: tries properties for a while, keeps what makes one fail, and tries that again.
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Where findings are kept, one file each, until somebody removes them. */
const kept = join('.cache', 'fuzz', 'properties');

/** What vitest says of `files`, as its JSON report. */
async function runVitest(root, args, env) {
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const all = [vitest, 'run', '--project', 'property', '--reporter=json', ...args];
  const options = { cwd: root, env: { ...process.env, ...env }, maxBuffer: 1 << 26 };
  const { stdout } = await run(process.execPath, all, options).catch((error) => error);
  return JSON.parse(stdout.slice(stdout.indexOf('{')));
}

function failuresOf(report, root) {
  return report.testResults.flatMap(({ name, assertionResults }) =>
    assertionResults
      .filter(({ status }) => status === 'failed')
      .map(({ fullName, failureMessages }) => ({
        file: relative(root, name),
        test: fullName,
        ...counterexampleIn(failureMessages.join('\n')),
      })),
  );
}

/** As fast-check tells it (`defaultReportMessage`); nothing of it where a test failed without it. */
function counterexampleIn(message) {
  const [, seed, path] = /\{ seed: (-?\d+), path: "([^"]*)"/.exec(message) ?? [];
  const [, counterexample] = /Counterexample: (.*)/.exec(message) ?? [];
  return {
    ...(seed === undefined ? {} : { seed: Number(seed), path, counterexample }),
    message: message.slice(0, 2000),
  };
}

/**
 * Tries every property of `files` for `seconds` each. A failure is kept in .cache/fuzz/properties and comes back with the
 * name of its file.
 */
export async function tryProperties(root, { files, seconds }) {
  // Room for the slowest trial to end.
  const args = [`--testTimeout=${(seconds + 60) * 1000}`, ...files];
  const report = await runVitest(root, args, { FUZZ_SECONDS: String(seconds) });
  const findings = failuresOf(report, root).map((finding) => ({ ...finding, kept: keep(root, finding) }));
  return { files, secondsEach: seconds, trials: report.numTotalTests, findings };
}

function keep(root, finding) {
  mkdirSync(join(root, kept), { recursive: true });
  const file = join(kept, `finding-${finding.seed ?? Date.now()}.json`);
  writeFileSync(join(root, file), `${JSON.stringify(finding, null, 2)}\n`);
  return file;
}

/** Tries one kept counterexample again: how it fails now, or undefined. Throws if its property is no longer there. */
export async function replayFinding(root, file) {
  const { file: tested, test, seed, path } = JSON.parse(readFileSync(join(root, file), 'utf8'));
  const exactly = `^${test.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`;
  const env = seed === undefined ? {} : { FUZZ_SEED: String(seed), FUZZ_PATH: path };
  const report = await runVitest(root, [tested, '-t', exactly], env);
  if (report.numPassedTests + report.numFailedTests === 0) throw new Error(`${tested} has no test ${test}`);
  return failuresOf(report, root)[0];
}
