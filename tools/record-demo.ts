/**
 * Runs the demo twice in a home of its own and records what it showed in docs/results/demo.json, from which the
 * table in README.md is made (`npm run docs`). Needs a built dist/.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Report } from '../core/domain/report.ts';
import { renderTable } from '../core/reports/render-table.ts';
import { packageRoot } from '../system/package-root.ts';
import type { DemoRecord } from './docs/demo-record.ts';

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
    date: new Date().toISOString(),
    machine: {
      processor: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      memoryBytes: totalmem(),
      platform: `${process.platform} ${process.arch}`,
    },
    versions: await versions(),
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

async function versions(): Promise<Record<string, string>> {
  const read = async (path: string): Promise<Record<string, unknown>> =>
    JSON.parse(await readFile(join(root, path), 'utf8')) as Record<string, unknown>;
  const own = await read('package.json');
  const llama = await read('node_modules/@node-llama-cpp/linux-x64/package.json');
  const temporal = await read('node_modules/@temporalio/worker/package.json');
  return {
    enginewright: String(own['version']),
    Node: process.versions.node,
    'Temporal SDK': String(temporal['version']),
    '@node-llama-cpp': String(llama['version']),
  };
}
