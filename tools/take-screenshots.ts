/**
 * Runs the demo in a home of its own and photographs what a person sees of it: the list of runs and one run in
 * Temporal's web UI, and the report. Writes docs/images/. Needs chromium (Debian: chromium) and a built dist/.
 */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { execa } from 'execa';
import { chromium, type Browser, type Page } from 'playwright-core';
import { packageRoot } from '../system/package-root.ts';
import { endGroup } from '../system/process/end-group.ts';
import { chromiumArguments, findChromium } from './find-chromium.ts';

interface DemoResult {
  readonly run: string;
  readonly reportFolder: string;
  /** Address of the run in the web UI. */
  readonly uiAddress: string;
}

/** The list shows search attributes only in columns that were asked for; the UI keeps the wish in the browser. */
const listColumns = {
  default: ['Status', 'Workflow ID', 'EwVariant', 'EwStage', 'EwVerdict', 'EwEngineBytes'].map((label) => ({
    label,
  })),
};

const usualWidth = 1440;
/** The web UI renders Markdown in frames of their own, which come later than the text that is waited for. */
const settleMs = 5_000;
const graceMs = 40_000;

const root = packageRoot();
const images = join(root, 'docs', 'images');
const home = await mkdtemp(join(tmpdir(), 'enginewright-screenshots-'));
await mkdir(images, { recursive: true });
const executablePath = await findChromium();
if (executablePath === null) throw new Error('chromium is not installed (Debian: apt-get install chromium)');
try {
  const demo = await runDemo();
  await using browser = await openBrowser(executablePath);
  await photograph(browser.open, demo);
} finally {
  await stopStack();
  await rm(home, { recursive: true, force: true });
}

async function runDemo(): Promise<DemoResult> {
  const main = join(root, 'dist', 'cli', 'main.js');
  const { stdout } = await execa(
    process.execPath,
    [main, 'demo', '--keep-up', '--json', '--home', home],
    // A failed gate is a result, so any exit code will do as long as there is one.
    { cwd: root, stderr: 'inherit', reject: false },
  );
  return JSON.parse(stdout) as DemoResult;
}

async function openBrowser(path: string): Promise<{ open: Browser } & AsyncDisposable> {
  const open = await chromium.launch({ executablePath: path, args: [...chromiumArguments] });
  return { open, [Symbol.asyncDispose]: () => open.close() };
}

async function photograph(browser: Browser, { uiAddress, reportFolder }: DemoResult): Promise<void> {
  const context = await browser.newContext();
  await context.addInitScript({
    content: `localStorage.setItem('namespace-workflow-table-columns', ${JSON.stringify(JSON.stringify(listColumns))})`,
  });
  const page = await context.newPage();
  await take(page, {
    url: uiAddress.slice(0, uiAddress.lastIndexOf('/')),
    name: 'temporal-runs.png',
    shows: 'EwEngineBytes',
    height: 720,
    width: 1600,
  });
  await take(page, { url: uiAddress, name: 'temporal-run.png', shows: 'merge-adapters', height: 1240 });
  const details = `${page.url().replace(/\/timeline$/, '')}/user-metadata`;
  await take(page, { url: details, name: 'temporal-details.png', shows: 'Current Details', height: 1040 });
  const report = pathToFileURL(join(reportFolder, 'report.html')).href;
  await take(page, { url: report, name: 'report.png', shows: 'Variants', height: 1000 });
}

interface Picture {
  readonly url: string;
  /** File in docs/images/. */
  readonly name: string;
  /** A text that is there once the page is complete. */
  readonly shows: string;
  /** In pixels. */
  readonly height: number;
  readonly width?: number;
}

async function take(page: Page, { url, name, shows, height, width = usualWidth }: Picture): Promise<void> {
  await page.setViewportSize({ width, height });
  await page.goto(url);
  await page.getByText(shows).first().waitFor();
  await page.waitForTimeout(settleMs);
  await page.screenshot({ path: join(images, name) });
  console.error(`docs/images/${name}  ${url}`);
}

async function stopStack(): Promise<void> {
  const record = await readFile(join(home, 'stack.json'), 'utf8').catch(() => null);
  if (record !== null) await endGroup((JSON.parse(record) as { pid: number }).pid, graceMs);
}
