import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { packageRoot } from '../../../system/package-root.ts';

const folder = mkdtempSync(join(tmpdir(), 'enginewright-summary-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const file = (status: string, ...tests: readonly string[]) => ({
  status,
  assertionResults: tests.map((test) => ({ status: test })),
});

function summarise(results: object | string, ...more: readonly string[]) {
  const path = join(folder, 'results.json');
  writeFileSync(path, typeof results === 'string' ? results : JSON.stringify(results));
  const args = [join(packageRoot(), 'tools', 'summarise-tests.mjs'), path, ...more];
  const { stdout, status } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  return { stdout, status };
}

it.each([
  [
    'a good run',
    { success: true, testResults: [file('passed', 'passed', 'passed')] },
    '2 passed, 0 failed',
    0,
  ],
  [
    'a skipped test',
    { success: true, testResults: [file('passed', 'passed', 'pending', 'todo')] },
    '1 passed, 0 failed, 2 skipped',
    0,
  ],
  [
    'a failed test',
    { success: false, testResults: [file('failed', 'passed', 'failed')] },
    '1 passed, 1 failed',
    1,
  ],
  [
    'a file that cannot be loaded',
    { success: false, testResults: [file('failed')] },
    '0 passed, 1 failed',
    1,
  ],
  [
    'an error outside the tests',
    { success: false, testResults: [file('passed', 'passed')] },
    '1 passed, 1 failed',
    1,
  ],
  ['a run without tests', { success: true, testResults: [] }, '0 passed, 0 failed', 1],
  ['a report that was cut off', '{"success":true,', '0 passed, 1 failed', 1],
])('tells %s', (_what, results, line, status) => {
  expect(summarise(results)).toEqual({ stdout: `${line}\n`, status });
});

it('adds what failed besides the tests', () => {
  const results = { success: true, testResults: [file('passed', 'passed')] };

  expect(summarise(results, '1')).toEqual({ stdout: '1 passed, 1 failed\n', status: 1 });
});
