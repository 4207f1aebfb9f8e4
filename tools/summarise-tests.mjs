#!/usr/bin/env node
// Prints one line, "N passed, N failed" and ", N skipped" where some were, from the file vitest's JSON reporter wrote:
// node tools/summarise-tests.mjs FILE [FAILURES OUTSIDE TESTS]. Exits with 1 when something failed or nothing ran.
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

/**
 * Counts what vitest reports (https://vitest.dev/guide/reporters, JSON). A file that cannot be loaded has no tests to
 * count but is a failure all the same.
 */
export function countTests(results) {
  const count = { passed: 0, failed: 0, skipped: 0 };
  for (const file of results.testResults) {
    for (const { status } of file.assertionResults) count[bucketOf(status)] += 1;
    const hasFailedTest = file.assertionResults.some(({ status }) => status === 'failed');
    if (file.status === 'failed' && !hasFailedTest) count.failed += 1;
  }
  // An error outside every test, such as an unhandled rejection, fails the run without failing a test.
  if (!results.success && count.failed === 0) count.failed += 1;
  return count;
}

export function summaryLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`;
}

function bucketOf(status) {
  if (status === 'passed' || status === 'failed') return status;
  return 'skipped';
}

export function readCount(file) {
  try {
    return countTests(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    process.stderr.write(`tests: ${file} tells nothing: ${error.message}\n`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const count = readCount(process.argv[2] ?? '.cache/test/results.json');
  count.failed += Number(process.argv[3] ?? 0);
  process.stdout.write(`${summaryLine(count)}\n`);
  process.exitCode = count.failed > 0 || count.passed === 0 ? 1 : 0;
}
