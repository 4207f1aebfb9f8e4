import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '../../core/domain/report.ts';
import { packageRoot } from '../../system/package-root.ts';
import { DemoRecord } from '../../tools/docs/demo-record.ts';
import { jsonOf, runCli, type CliEnd, type CliOptions } from './harness/cli.ts';
import { faultsOfStore } from './harness/check-store.ts';
import { descriptionOf, type RunDescription } from './harness/describe-run.ts';
import { descendantsOf, isRunning } from './harness/processes.ts';
import { stepsWith, type ShownRun } from './harness/runs.ts';
import type { StackFile } from './harness/stack.ts';
import { waitUntil } from './harness/wait-until.ts';

// The sample takes more than a minute, so it runs once and everything is asked of that run.
let folder: string;
let options: CliOptions;
let end: CliEnd;
let stack: StackFile;
let run: string;
let report: Report;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'enginewright-demo-'));
  // As many threads as a user gets.
  options = { home: join(folder, 'home'), cwd: folder, env: { ENGINEWRIGHT_THREADS: '' } };
  end = await runCli(['demo', '--home', join(folder, 'home'), '--keep-up'], options);
  if (end.exitCode !== 0) throw new Error(`the demo ended with ${end.exitCode}:\n${end.stderr}`);
  stack = JSON.parse(await readFile(join(options.home, 'stack.json'), 'utf8')) as StackFile;
  run = /^run (\S+)$/m.exec(end.stderr)?.[1] ?? '';
  const text = await readFile(join(options.home, 'runs', run, 'report.json'), 'utf8');
  report = JSON.parse(text) as Report;
});

afterAll(async () => {
  if (stack !== undefined && isRunning(stack.pid)) {
    process.kill(stack.pid, 'SIGTERM');
    await waitUntil('the end of the stack', () => !isRunning(stack.pid));
  }
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

describe('the demo', () => {
  it('prints the table, the verdict, and where report and web UI are', async () => {
    const { stdout } = end;

    expect(stdout).toMatch(/^Variant +Size +ROUGE-1 .* Tokens\/s +Verdict$/m);
    for (const name of ['f16 \\(baseline\\)', 'int8', 'int4', 'int4-group-256'])
      expect(stdout).toMatch(new RegExp(`^${name} +\\d.* (pass|fail|inconclusive)$`, 'm'));
    expect(stdout).toMatch(/^verdict +pass$/m);
    const html = /^report +(\S+)$/m.exec(stdout)?.[1] ?? '';
    expect(await readFile(join(folder, html), 'utf8')).toContain('<html');
    const address = `${stack.uiAddress}/namespaces/default/workflows/${run}`;
    expect(stdout).toMatch(new RegExp(`^web UI +${address}$`, 'm'));
    expect(end.stderr).toContain(`\nTemporal web UI ${address}\n`);
    expect((await fetch(address)).status).toBe(200);
  });

  it('ends with one line for the run and one for the next, which has nothing to do', () => {
    const [first = '', again = ''] = end.stderr.trimEnd().split('\n').slice(-2);

    expect(first).toMatch(/^demo +[\d.]+ s: \d+ steps ran, \d+ of them on engines$/);
    expect(again).toMatch(/^again +[\d.]+ s: every step cached, no engine work$/);
    // What a quiet machine needs stands in docs/results/demo.json; a loaded one may be several times slower.
    expect(secondsOf(first)).toBeLessThan(400);
    expect(secondsOf(again)).toBeLessThan(45);
  });

  it('runs as many steps as the recorded demo of the documentation', async () => {
    const file = join(packageRoot(), 'docs', 'results', 'demo.json');
    const recorded = DemoRecord.parse(JSON.parse(await readFile(file, 'utf8')));
    const ran = Number(/^demo .* (\d+) steps ran/m.exec(end.stderr)?.[1]);
    const { steps } = await jsonOf<ShownRun>(['show', run], options);

    expect(stepsWith('done', steps)).toHaveLength(ran);
    expect(recorded.runs.map((each) => each.steps)).toEqual([
      { ran, cached: 0, failed: 0 },
      { ran: 0, cached: ran, failed: 0 },
    ]);
    // The line that `npm run docs` shows was made by these columns.
    expect(end.stdout.split('\n')[0]?.split(/ {2,}/)).toEqual(recorded.table.columns);
  });

  it('leaves a whole store', async () => {
    expect(await faultsOfStore(options.home)).toEqual([]);
  });
});

describe('what Temporal tells of a run', () => {
  let parent: RunDescription;
  let child: RunDescription;

  beforeAll(async () => {
    parent = await descriptionOf(run, stack);
    child = await descriptionOf(`${run}/int4-group-256`, stack);
  });

  it('is found by recipe, model, adapters, alias, stage and verdict', async () => {
    const recipe = await readFile(join(packageRoot(), 'examples', 'sample', 'recipe.yaml'), 'utf8');

    expect(parent.attributes).toEqual({
      EwRecipe: 'sample-summariser',
      EwRecipeDigest: createHash('sha256').update(recipe).digest('hex'),
      EwModel: 'sample/sample-llama@main',
      EwAdapters: ['sample/lora-glossary@main', 'sample/lora-summarise@main'],
      EwAlias: 'candidate',
      EwStage: 'done',
      EwVerdict: report.verdict,
    });
  });

  it('is found by variant, toolchain and size of the engine, where it is a variant', async () => {
    const built = report.variants.find(({ name }) => name === 'int4-group-256');

    expect(child.attributes).toEqual({
      EwRecipe: 'sample-summariser',
      EwVariant: 'int4-group-256',
      EwToolchain: 'llama-cpp',
      EwStage: 'done',
      EwEngineBytes: built?.bytes,
    });
    expect(built?.bytes).toBeGreaterThan(1_000_000);
  });

  it('has the recipe and what comes of it under the user’s metadata', async () => {
    const recipe = await readFile(join(packageRoot(), 'examples', 'sample', 'recipe.yaml'), 'utf8');

    expect(parent.summary).toBe(
      'sample/sample-llama@main + sample/lora-glossary@main + sample/lora-summarise@main → f16, int8, int4, int4-group-256',
    );
    expect(parent.details).toContain(`\`\`\`yaml\n${recipe.trimEnd()}\n\`\`\``);
    expect(child.summary).toMatch(/^int4-group-256: /);
  });

  it('has verdict, figures and every step in its current details', () => {
    const lines = parent.currentDetails.split('\n');

    expect(lines[0]).toBe(`## ${report.verdict}`);
    for (const { name } of report.variants)
      expect(parent.currentDetails).toMatch(new RegExp(`^- \\*\\*${name}(\\*\\*| )`, 'm'));
    for (const step of [
      'resolve-source',
      'fetch-model',
      'compare-weights',
      'merge-adapters',
      'prove-merge',
      'judge',
    ])
      expect(parent.currentDetails).toMatch(new RegExp(`^- ✔ \\*\\*${step}\\*\\* .*, [\\d.]+ s → `, 'm'));
    expect(parent.currentDetails).toContain(`- variant **int8**: workflow \`${run}/int8\``);
    for (const step of ['build-engine', 'try-engine', 'score-engine', 'measure-engine'])
      expect(child.currentDetails).toMatch(new RegExp(`^- ✔ \\*\\*${step}\\*\\* .*, [\\d.]+ s → `, 'm'));
  });
});

describe('with --keep-up', () => {
  it('the stack answers after the demo has ended, and ends as a whole when told to', async () => {
    const [, newest] = await jsonOf<{ run: string; verdict: string }[]>(['runs'], options);
    const family = descendantsOf(stack.pid);

    expect(newest).toMatchObject({ run, verdict: report.verdict });
    expect(Object.values(stack.workers).filter((pid) => !family.includes(pid))).toEqual([]);
    // Server and three workers at least.
    expect(family.length).toBeGreaterThan(3);

    process.kill(stack.pid, 'SIGTERM');
    await waitUntil('the end of the stack', () => !isRunning(stack.pid));

    expect(family.filter((pid) => isRunning(pid))).toEqual([]);
    await expect(stat(join(options.home, 'stack.json'))).rejects.toThrow('ENOENT');
    expect((await readdir(options.home)).filter((name) => name.endsWith('server.json'))).toEqual([]);
    const { exitCode, stderr } = await runCli(['runs'], options);
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 69,
      stderr: expect.stringMatching(/^ServerUnreachable: nothing runs in /),
    });
  });
});

const secondsOf = (line: string): number => Number(/([\d.]+) s:/.exec(line)?.[1]);
