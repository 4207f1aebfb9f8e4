/**
 * Runs the demo twice in a home of its own and records what it showed in docs/results/demo.json, from which the
 * table in README.md is made (`npm run docs`). Needs a built dist/.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Report } from '../core/domain/report.ts';
import { renderTable } from '../core/reports/render-table.ts';
import { packageRoot } from '../system/package-root.ts';
import type { DemoRecord } from './docs/demo-record.ts';
import { describeHost } from './docs/describe-host.ts';

interface DemoResult {
  readonly seconds: number;
  readonly steps: { readonly ran: number; readonly cached: number; readonly failed: number };
  readonly report: Report;
}

const root = packageRoot();
const home = await mkdtemp(join(tmpdir(), 'enginewright-record-'));
try {
  const first = await runDemo();
  const second = await runDemo();
  const { columns, rows, alignment } = renderTable(first.report);
  const record: DemoRecord = {
    command: 'npm run demo',
    ...(await describeHost(root)),
    runs: [first, second].map(({ seconds, steps }) => ({ seconds, steps })),
    verdict: first.report.verdict,
    headline: first.report.headline,
    table: { columns: [...columns], rows: rows.map((row) => [...row]), alignment: [...alignment] },
  };
  await writeFile(join(root, 'docs', 'results', 'demo.json'), `${JSON.stringify(record, null, 2)}\n`);
} finally {
  await rm(home, { recursive: true, force: true });
}

async function runDemo(): Promise<DemoResult> {
  const main = join(root, 'dist', 'cli', 'main.js');
  const { stdout } = await execa(process.execPath, [main, 'demo', '--json', '--home', home], {
    cwd: root,
    stderr: 'inherit',
    reject: false,
  });
  return JSON.parse(stdout) as DemoResult;
}
