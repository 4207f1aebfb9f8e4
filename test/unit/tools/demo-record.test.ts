import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { packageRoot } from '../../../system/package-root.ts';
import { DemoRecord } from '../../../tools/docs/demo-record.ts';

// Recorded on a quiet machine by `npm run docs:demo`; here nothing is timed, what is shown is held to what is promised.

const text = await readFile(join(packageRoot(), 'docs', 'results', 'demo.json'), 'utf8');
const record = DemoRecord.parse(JSON.parse(text));

it('the recorded demo took less than two minutes, and ten seconds when everything was made', () => {
  expect(record.machine.cores).toBeLessThanOrEqual(2);
  expect(record.runs).toHaveLength(2);
  expect(record.runs[0]?.seconds).toBeLessThan(120);
  expect(record.runs[1]?.seconds).toBeLessThan(10);
});

it('the second run of the recorded demo found in the store all that the first had made', () => {
  const ran = record.runs[0]?.steps.ran ?? 0;

  expect(ran).toBeGreaterThan(30);
  expect(record.runs.map(({ steps }) => steps)).toEqual([
    { ran, cached: 0, failed: 0 },
    { ran: 0, cached: ran, failed: 0 },
  ]);
});

it('the recorded table has a row for each variant of the sample, and the verdict is that of the run', () => {
  const { columns, rows, alignment } = record.table;

  expect(rows.map(([name]) => name)).toEqual(['f16 (baseline)', 'int8', 'int4', 'int4-group-256']);
  expect(rows.every((row) => row.length === columns.length)).toBe(true);
  expect(alignment).toHaveLength(columns.length);
  expect(record.verdict).toBe('pass');
});
