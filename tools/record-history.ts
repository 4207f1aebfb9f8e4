/**
 * Records the histories that test/replay replays: `npx tsx tools/record-history.ts [STORY …]` after `npm run setup`. A
 * real server, real workers and small models run recipes: to the end, to an approval, with calibration, and with variants
 * that cannot be built.
 * Record again only when a workflow is meant to differ for runs that are under way: what is recorded stands for them.
 */
import { spawn } from 'node:child_process';
import { cp, mkdtemp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { writeNarrowModel } from '../test/fixtures/weights/narrow-model.ts';
import { startRun, type RunHandle } from '../cli/run/start-run.ts';
import { preparePlan } from '../cli/run/prepare-plan.ts';
import { packageRoot } from '../system/package-root.ts';

const root = packageRoot();
const sample = join(root, 'examples', 'sample');
const out = join(root, 'test', 'replay', 'histories');

/** Small: what matters is every kind of event, not how many. */
const recipeText = `name: recorded
model: { source: hf:sample/sample-llama }
adapters: [{ source: hf:sample/lora-glossary, weight: 0.1 }, { source: hf:sample/lora-summarise, merge: false }]
baseline: f16
variants:
  f16: { quantization: { method: none, dtype: float16 } }
  int8: { quantization: { method: weight-only, bits: 8 } }
trial: { prompts: [Once upon a time], maxNewTokens: 8 }
evaluation:
  perplexity: { text: file:valid.txt, window: 64, windows: 2 }
  divergence: true
gates: [{ metric: divergence.kld.mean, max: 50 }]
publish: { alias: candidate, promote: on-pass }
`;

/** Of the narrow model, whose rows neither super-blocks of 256 nor groups of 64 fit. */
const narrowText = (variants: string): string => `name: narrow
model: { source: hf:sample/narrow }
baseline: f16
variants:
  f16: { quantization: { method: none, dtype: float16 } }
${variants}
  gptq4-group-32: { quantization: { method: gptq, bits: 4, group: 32 } }
calibration: { dataset: file:valid.txt, samples: 4, window: 64 }
trial: { prompts: [The database], maxNewTokens: 4 }
evaluation:
  perplexity: { text: file:valid.txt, window: 64, windows: 2 }
  divergence: true
benchmark: { inputTokens: 8, outputTokens: 4, concurrency: [1], repeats: 2 }
gates: [{ metric: divergence.kld.mean, max: 50 }]
publish: { alias: narrow, promote: on-pass }
`;
const misfits = `
  int4-group-256: { quantization: { method: weight-only, bits: 4, group: 256 } }
  gptq4-group-64: { quantization: { method: gptq, bits: 4, group: 64 } }`;

/** By name: what is run and which histories are kept of it. */
const stories: Readonly<Record<string, (client: Client) => Promise<void>>> = {
  async plain(client) {
    const run = await start(client, 'recipe', recipeText);
    const { variants } = await run.result();
    await save(client, run.workflowId, 'run-recipe');
    const [{ name } = { name: '' }] = variants;
    await save(client, `${run.workflowId}/${name}`, 'produce-engine');
  },
  async approved(client) {
    const run = await start(client, 'approval', recipeText.replace('on-pass', 'on-approval'));
    await approve(run);
    await save(client, run.workflowId, 'run-recipe-approved');
  },
  async calibrated(client) {
    const run = await start(client, 'calibrated', narrowText(''));
    await run.result();
    await save(client, run.workflowId, 'run-recipe-calibrated');
    await save(client, `${run.workflowId}/gptq4-group-32`, 'produce-engine-measured');
  },
  async failing(client) {
    const run = await start(client, 'failing', narrowText(misfits));
    await run.result();
    await save(client, run.workflowId, 'run-recipe-failed-variants');
    await save(client, `${run.workflowId}/int4-group-256`, 'produce-engine-failed');
  },
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !Object.hasOwn(stories, name));
if (unknown.length > 0)
  throw new Error(`there is no story ${unknown.join(', ')}: only ${Object.keys(stories).join(', ')}`);

const folder = await mkdtemp(join(tmpdir(), 'enginewright-record-'));
const home = join(folder, 'home');
await mkdir(home);
await mkdir(out, { recursive: true });
const lines = (await readFile(join(sample, 'data', 'valid.txt'), 'utf8')).split('\n').slice(0, 40);
await writeFile(join(folder, 'valid.txt'), `${lines.join('\n')}\n`);
for (const name of ['sample-llama', 'lora-glossary', 'lora-summarise']) {
  await cp(join(sample, name), join(folder, 'sample', name), { recursive: true });
}
await writeNarrowModel(join(folder, 'sample', 'narrow'));

const main = join(root, 'dist', 'cli', 'main.js');
const env = {
  PATH: process.env['PATH'] ?? '',
  HOME: home,
  ENGINEWRIGHT_HOME: home,
  ENGINEWRIGHT_THREADS: '1',
};
const up = spawn(process.execPath, [main, 'up', '--hub', join(folder, 'sample')], { env, stdio: 'inherit' });
const ended = new Promise<void>((resolve) => up.once('exit', () => resolve()));
try {
  const connection = await Connection.connect({ address: await addressOf(home) });
  // The client's default identity would put this machine's name into every history.
  const client = new Client({ connection, namespace: 'default', identity: 'record-history' });
  try {
    for (const [name, record] of Object.entries(stories))
      if (asked.length === 0 || asked.includes(name)) await record(client);
  } finally {
    await connection.close();
  }
} finally {
  up.kill('SIGTERM');
  await ended;
  await rm(folder, { recursive: true, force: true });
}

async function addressOf(ofHome: string): Promise<string> {
  for (;;) {
    if (up.exitCode !== null) throw new Error(`enginewright up ended with ${up.exitCode}`);
    const text = await readFile(join(ofHome, 'stack.json'), 'utf8').catch(() => null);
    if (text !== null) return (JSON.parse(text) as { address: string }).address;
    await sleep(100);
  }
}

async function start(client: Client, name: string, text: string): Promise<RunHandle> {
  const file = join(folder, `${name}.yaml`);
  await writeFile(file, text);
  const { plan } = await preparePlan({ file, home, endpoint: null });
  return startRun(client, plan, text);
}

async function approve(run: RunHandle): Promise<void> {
  for (;;) {
    const { awaiting } = await run.query<{ awaiting: string | null }>('progress');
    if (awaiting === 'approval') break;
    await sleep(200);
  }
  await run.executeUpdate('approve', { args: [{ by: 'Ada', reason: 'recorded' }] });
  await run.result();
}

async function save(client: Client, workflowId: string, name: string): Promise<void> {
  const history = await client.workflow.getHandle(workflowId).fetchHistory();
  const path = join(out, `${name}.json`);
  // Stacks of failures name files by where this checkout lies.
  const text = historyToJSON(history).replaceAll(`file://${root}/`, '').replaceAll(`${root}/`, '');
  await writeFile(path, `${text}\n`);
  process.stdout.write(`${path}: ${history.events?.length ?? 0} events\n`);
}
