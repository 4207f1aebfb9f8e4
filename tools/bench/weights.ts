// `npm run bench:weights`: see weights-options.ts for its flags.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import { renderTextTable } from '../../cli/output/text-table.ts';
import { packageRoot } from '../../system/package-root.ts';
import { type Bench, type Contender, listContenders } from './contenders.ts';
import { preparePython } from './python.ts';
import { type Run, runContender } from './run-contender.ts';
import { alignment, columns, renderPage, rowsOf } from './speed-page.ts';
import { type SizeRecord, SpeedRecord, spreadOf, withSize } from './speed-record.ts';
import { judge } from './speed-targets.ts';
import { type BenchOptions, parseOptions, usage } from './weights-options.ts';

const root = packageRoot();
const results = join(root, 'docs', 'results');
const ModelFacts = z.object({
  bytes: z.number(),
  tensors: z.number(),
  largestBytes: z.number(),
  layers: z.number(),
});

const args = process.argv.slice(2);
const options = parseOptions(args);
if (options === undefined) process.stdout.write(`${usage}\n`);
else await bench(options);

async function bench(options: BenchOptions): Promise<void> {
  const cli = join(root, 'dist', 'cli', 'main.js');
  if (!existsSync(cli)) throw new Error(`${cli} does not exist; run npm run setup first`);
  const python = await preparePython(options.python, join(root, '.cache', 'bench'));
  await mkdir(options.place, { recursive: true });
  const place = await mkdtemp(join(options.place, 'enginewright-bench-'));
  try {
    const bench = { place, python, scripts: join(root, 'tools', 'bench'), cli };
    const size = await measureSize(bench, options);
    if (options.only.length === 0) await keep(size);
    process.stdout.write(options.json ? `${JSON.stringify(size, null, 2)}\n` : renderText(size));
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

async function measureSize(bench: Bench, { gigabytes, rounds, only }: BenchOptions): Promise<SizeRecord> {
  say(`making a model of ${gigabytes} GB`);
  const model = ModelFacts.parse(
    await runScript(bench, 'make-model.py', [
      '--gigabytes',
      String(gigabytes),
      '--model',
      join(bench.place, 'model'),
      '--adapter',
      join(bench.place, 'adapter'),
    ]),
  );
  const contenders = listContenders(bench).filter(({ name }) => only.length === 0 || only.includes(name));
  const runs = new Map<Contender, Run[]>(contenders.map((contender) => [contender, []]));
  for (let round = 1; round <= rounds; round += 1) {
    for (const [contender, figures] of runs) {
      const run = await runContender(contender, bench, model.bytes);
      figures.push(run);
      say(`round ${round}: ${contender.title}  ${run.seconds.toFixed(2)} s`);
    }
  }
  const [processor] = cpus();
  return {
    gigabytes,
    command: ['npm run bench:weights', ...(args.length === 0 ? [] : ['--', ...withoutPaths(args)])].join(' '),
    date: new Date().toISOString(),
    rounds,
    machine: {
      processor: processor?.model ?? 'unknown',
      cores: cpus().length,
      memoryBytes: totalmem(),
    },
    versions: {
      Node: process.versions.node,
      ...z.record(z.string(), z.string()).parse(await runScript(bench, 'versions.py', [])),
    },
    model,
    contenders: [...runs].map(([{ name, title }, figures]) => ({
      name,
      title,
      seconds: spreadOf(figures.map(({ seconds }) => seconds)),
      cpuSeconds: spreadOf(figures.map(({ cpuSeconds }) => cpuSeconds)),
      peakBytes: Math.max(...figures.map(({ peakBytes }) => peakBytes)),
    })),
  };
}

/** Paths of one machine say nothing to another. */
function withoutPaths(words: readonly string[]): string[] {
  return words.filter((word, index) => {
    const flag = word.startsWith('--') ? word : (words[index - 1] ?? '');
    return !/^--(python|place)\b/.test(flag);
  });
}

async function runScript(
  { python, scripts }: Bench,
  name: string,
  args: readonly string[],
): Promise<unknown> {
  const { stdout } = await execa(python, ['-B', join(scripts, name), ...args], { stderr: 'inherit' });
  return JSON.parse(stdout);
}

/** Writes docs/results, where other sizes stay as they were. */
async function keep(size: SizeRecord): Promise<void> {
  const file = join(results, 'weights-speed.json');
  const known = existsSync(file)
    ? SpeedRecord.parse(JSON.parse(await readFile(file, 'utf8')))
    : { sizes: [] };
  const record = withSize(known, size);
  await writeFile(file, `${JSON.stringify(record, null, 2)}\n`);
  await writeFile(join(results, 'weights-speed.md'), renderPage(record));
}

function renderText(size: SizeRecord): string {
  const table = renderTextTable({
    columns,
    rows: rowsOf(size),
    alignment: alignment.map((side) => (side === 'right' ? 'right' : 'left')),
  });
  const verdicts = judge(size).map(
    ({ target, measured, met }) => `${met ? 'met   ' : 'missed'}  ${target}  (${measured})`,
  );
  return `${table}\n\n${verdicts.join('\n')}\n`;
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
