// `npm run bench:quantizations`: see quantizations/quantizations-options.ts for its flags.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { preparePlan } from '../../cli/run/prepare-plan.ts';
import type { Plan } from '../../core/domain/plan.ts';
import type { Report } from '../../core/domain/report.ts';
import { createFolderStore } from '../../system/artifact-store/folder-store.ts';
import { readText } from '../../system/datasets/read-dataset.ts';
import { packageRoot } from '../../system/package-root.ts';
import { CertaintyAnswer, type CertaintyRequest } from './quantizations/certainty-window.ts';
import { describeHost } from '../docs/describe-host.ts';
import { describeWork, perplexityPlan } from './quantizations/describe-work.ts';
import { QuantizationRecord } from './quantizations/quantization-record.ts';
import { renderPage } from './quantizations/quantization-page.ts';
import { type QuantizationsOptions, parseOptions, usage } from './quantizations/quantizations-options.ts';
import { readRun, type VariantRun } from './quantizations/read-run.ts';
import { recordPairs, recordVariants } from './quantizations/record-variants.ts';
import { readSources, recordSources } from './quantizations/text-sources.ts';

interface RunDocument {
  readonly steps: { readonly ran: number; readonly cached: number };
  readonly report: Report;
}

const root = packageRoot();
const options = parseOptions(process.argv.slice(2), root);
if (options === undefined) process.stdout.write(`${usage}\n`);
else await bench(options);

async function bench({ recipe, home: kept, to, command }: QuantizationsOptions): Promise<void> {
  const cli = join(root, 'dist', 'cli', 'main.js');
  if (!existsSync(cli)) throw new Error(`${cli} does not exist; run npm run setup first`);
  const home = kept ?? (await mkdtemp(join(tmpdir(), 'enginewright-quantizations-')));
  try {
    const { plan } = await preparePlan({ file: recipe, home, endpoint: null });
    const document = await runRecipe(cli, { recipe, home });
    const record = QuantizationRecord.parse({
      command,
      ...(await describeHost(root)),
      ...(await recordRun(home, plan, document)),
    });
    await mkdir(to, { recursive: true });
    await writeFile(join(to, 'quantizations.json'), `${JSON.stringify(record, null, 2)}\n`);
    await writeFile(join(to, 'quantizations.md'), renderPage(record));
  } finally {
    if (kept === null) await rm(home, { recursive: true, force: true });
  }
}

/** Its exit code is the verdict of the gates; without a document there was no run. */
async function runRecipe(
  cli: string,
  { recipe, home }: { readonly recipe: string; readonly home: string },
): Promise<RunDocument> {
  const hub = dirname(recipe);
  const { stdout, exitCode } = await execa(
    process.execPath,
    [cli, 'run', recipe, '--hub', hub, '--home', home, '--json'],
    { cwd: root, stderr: 'inherit', reject: false },
  );
  const document = stdout === '' ? {} : (JSON.parse(stdout) as Partial<RunDocument>);
  if (document.report === undefined) throw new Error(`the run ended with exit code ${exitCode}`);
  return document as RunDocument;
}

async function recordRun(
  home: string,
  plan: Plan,
  { report, steps }: RunDocument,
): Promise<Omit<QuantizationRecord, 'command' | 'date' | 'machine' | 'versions'>> {
  const all = await readRun(home, { plan, report });
  const runs = all.toSorted((a, b) => Number(b.report.isBaseline) - Number(a.report.isBaseline));
  const [baseline] = runs;
  if (baseline?.report.isBaseline !== true) throw new Error('the run has no baseline');
  const { temperature, engines } = await measureCertainty(home, plan, runs);
  const sources = await readSources(await textFolder(home, plan));
  return {
    steps: steps.ran + steps.cached,
    ...describeWork(plan, baseline),
    statistics: report.statistics,
    gates: report.gates.map((gate) => ({ ...gate })),
    headline: report.headline,
    temperature,
    variants: recordVariants(runs, engines),
    sources: recordSources(runs, sources),
    pairs: recordPairs(runs),
  };
}

/** The baseline comes first. */
async function measureCertainty(
  home: string,
  plan: Plan,
  runs: readonly VariantRun[],
): Promise<CertaintyAnswer> {
  const { window, windows } = perplexityPlan(plan);
  const text = await readText(await textFolder(home, plan));
  const request: CertaintyRequest = {
    engines: runs.map(({ engineFolder }) => engineFolder),
    source:
      text.kind === 'texts'
        ? { kind: 'texts', texts: text.texts.slice(0, windows) }
        : { kind: 'text', text: text.text, window, maxWindows: windows },
  };
  const script = join(root, 'tools', 'bench', 'quantizations', 'certainty.ts');
  const { stdout } = await execa(process.execPath, ['--import', 'tsx', script], {
    cwd: root,
    input: JSON.stringify(request),
  });
  return CertaintyAnswer.parse(JSON.parse(stdout));
}

function textFolder(home: string, plan: Plan): Promise<string> {
  return createFolderStore(join(home, 'store')).folderOf(perplexityPlan(plan).dataset);
}
