import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { QuantizationOptions } from '../../../core/catalog/quantizations/registry.ts';
import { findToolchain, spell } from '../../../core/catalog/toolchains/registry.ts';
import type { JsonObject } from '../../../core/domain/json.ts';
import { parseText } from '../../../system/datasets/read-dataset.ts';
import { packageRoot } from '../../../system/package-root.ts';
import { createToolchains } from '../../../system/toolchains/create-toolchains.ts';
import { statisticsFile } from '../../../system/weights/statistics-file.ts';
import { createWeightTools } from '../../../system/weights/weight-tools.ts';
import { callCli, type CliAnswer } from '../../fixtures/call-cli.ts';

const sample = join(packageRoot(), 'examples', 'sample');
const model = join(sample, 'sample-llama');
const texts = join(sample, 'data', 'calibration.jsonl');
const scope = { signal: new AbortController().signal, onProgress: () => undefined };
// The sums of activations depend on how many threads share a product.
const threads = { ENGINEWRIGHT_THREADS: '1' };

let work = '';
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'enginewright-calibrated-'));
});
afterAll(() => rm(work, { recursive: true, force: true }));
const at = (...parts: string[]): string => join(work, ...parts);

/** What a recipe's variant is spelled as for its steps. */
function spellingOf(quantization: JsonObject): { quantize: JsonObject; checkpoint: JsonObject } {
  const toolchain = findToolchain('llama-cpp');
  const spelling = toolchain && spell(toolchain, QuantizationOptions.parse(quantization));
  if (spelling === undefined || 'unsupported' in spelling || spelling.quantize === undefined)
    throw new Error('no quantization of ours');
  return { quantize: spelling.quantize, checkpoint: spelling.checkpoint };
}

const quantize = (to: string, ...flags: string[]): Promise<CliAnswer> =>
  callCli(['quantize', model, at(to), ...flags, '--json'], threads);

async function bytesOf(folder: string): Promise<Record<string, string>> {
  const names = (await readdir(at(folder))).toSorted();
  const contents = await Promise.all(
    names.map(async (name) => (await readFile(at(folder, name))).toString('base64')),
  );
  return Object.fromEntries(names.map((name, index) => [name, contents[index] ?? '']));
}

describe('quantize --method', () => {
  /** Does what the activities of a recipe do, with the toolchain and the tools that they call. */
  beforeAll(async () => {
    await Promise.all(['checkpoint', 'statistics'].map((name) => mkdir(at(name))));
    const toolchain = createToolchains({ llamaLibraries: null, threads: 1 }, at('home'))('llama-cpp');
    const { checkpoint } = spellingOf({ method: 'smoothquant' });
    await toolchain.convertCheckpoint(
      { modelFolder: model, out: at('checkpoint'), parameters: checkpoint },
      scope,
    );
    await toolchain.captureStatistics?.(
      {
        checkpointFolder: at('checkpoint'),
        modelFolder: model,
        source: parseText(await readFile(texts, 'utf8'), 'calibration.jsonl'),
        windows: 4,
        window: 128,
        seed: 1,
        out: at('statistics'),
      },
      scope,
    );
  });

  const fromFolder = (): string[] => ['--statistics', at('statistics')];
  const fromFile = (): string[] => ['--statistics', at('statistics', statisticsFile)];
  const fromTexts = (): string[] => ['--calibration', texts, '--samples', '4', '--window', '128'];
  const grid = ['--scheme', 'int4', '--group', '32', '--scale-dtype', 'float16'];
  const eight = ['--scheme', 'int8', '--scale-dtype', 'float16'];

  it.each<[string, JsonObject, string[], () => string[]]>([
    ['rtn', { bits: 4, group: 32 }, grid, () => []],
    ['gptq', { bits: 4, group: 32 }, grid, fromFolder],
    [
      'gptq',
      { bits: 8, damp: 0.05, order: 'activation' },
      [...eight, '--damp', '0.05', '--order', 'activation'],
      fromTexts,
    ],
    ['awq', { bits: 4, group: 32 }, grid, fromFile],
    ['smoothquant', {}, ['--scale-dtype', 'float16'], fromTexts],
    ['smoothquant', { alpha: 0.75 }, ['--scale-dtype', 'float16', '--alpha', '0.75'], fromFolder],
  ])('%s %j writes the bytes that a recipe’s step writes', async (method, options, flags, source) => {
    await Promise.all(['ours', 'steps'].map((name) => rm(at(name), { recursive: true, force: true })));
    const { quantize: parameters } = spellingOf({ method, ...options });
    const statisticsFolder = method === 'rtn' ? null : at('statistics');

    const facts = await createWeightTools(null).quantize(
      { from: model, statisticsFolder, parameters, out: at('steps') },
      scope,
    );
    const { code, stdout, stderr } = await quantize('ours', '--method', method, ...flags, ...source());

    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(await bytesOf('ours')).toEqual(await bytesOf('steps'));
    const report = JSON.parse(stdout) as { worst: object[]; outputError?: number };
    expect(report.outputError).toBe(facts['outputError']);
    expect(report.worst.slice(0, 8)).toEqual(facts['worst']);
  });

  it('gains over rounding, and says how much', async () => {
    const { code, stdout } = await callCli(
      ['quantize', model, at('told'), '--method', 'gptq', '--scheme', 'int4', ...fromFolder()],
      threads,
    );

    expect(code).toBe(0);
    const gain = /error of the outputs, against that of rounding to nearest: (0\.\d{3})/.exec(stdout)?.[1];
    expect(Number(gain)).toBeLessThan(0.9);
    expect(stdout).toMatch(/^Worst linears/);
  });

  it('leaves what is excluded as it is, and what is scaled for others too', async () => {
    const { stdout } = await quantize(
      'partly',
      '--method',
      'smoothquant',
      ...fromFolder(),
      '--exclude',
      'q_proj',
    );

    expect(JSON.parse(stdout)).toMatchObject({ linears: 36 });
    // Queries read the norm as well: it must not take up the scales of keys and values. The other one does.
    const norms = await callCli(['compare', model, at('partly'), '--json']);
    const { differences } = JSON.parse(norms.stdout) as { differences: { tensor: string }[] };
    const changed = differences.map(({ tensor }) => tensor).filter((name) => /layernorm|q_proj/.test(name));
    expect(changed.toSorted()).toEqual(
      [0, 1, 2, 3, 4, 5].map((layer) => `model.layers.${layer}.post_attention_layernorm.weight`),
    );
  });
});

describe('quantize --method leaves nothing behind', () => {
  it.each<[string, string[], number, string]>([
    ['without texts', ['--method', 'gptq', '--scheme', 'int4'], 64, 'UsageInvalid'],
    [
      'for a flag of another method',
      ['--method', 'awq', '--scheme', 'int4', '--alpha', '1'],
      64,
      'UsageInvalid',
    ],
    ['for floats', ['--method', 'gptq', '--scheme', 'fp8', '--calibration', texts], 64, 'UsageInvalid'],
    [
      'when the texts are not there',
      ['--method', 'smoothquant', '--calibration', '/no'],
      66,
      'DatasetMissing',
    ],
    [
      'when the statistics are not there',
      ['--method', 'smoothquant', '--statistics', '/no'],
      66,
      'WeightsMissing',
    ],
    [
      'when the grid does not fit',
      ['--method', 'gptq', '--scheme', 'int4', '--group', '96', '--calibration', texts],
      65,
      'QuantizationUnfit',
    ],
    [
      'when no linear is meant',
      ['--method', 'smoothquant', '--exclude', 'nothing', '--calibration', texts],
      64,
      'UsageInvalid',
    ],
  ])('%s', async (_case, flags, exit, name) => {
    await mkdir(at('empty'), { recursive: true });
    const { code, stdout } = await quantize('empty/no', ...flags);

    expect(JSON.parse(stdout)).toMatchObject({ error: { name } });
    expect(code).toBe(exit);
    expect(await readdir(at('empty'))).toEqual([]);
  });

  it('when a line has no text', async () => {
    await writeFile(at('broken.jsonl'), '{"text": "fine"}\n{"txt": "no"}\n');

    const { stdout } = await quantize(
      'empty/no',
      '--method',
      'smoothquant',
      '--calibration',
      at('broken.jsonl'),
    );

    expect(JSON.parse(stdout)).toMatchObject({
      error: { name: 'DatasetInvalid', message: expect.stringContaining('broken.jsonl:2') as string },
    });
    expect(await readdir(at('empty'))).toEqual([]);
  });

  it('when OUT has files, which stay, and before anything takes long', async () => {
    await cp(model, at('filled'), { recursive: true });
    const before = await readdir(work);

    const { stdout } = await quantize('filled', '--method', 'smoothquant', '--calibration', '/no');

    expect(JSON.parse(stdout)).toMatchObject({
      error: { message: expect.stringContaining('is not empty') as string },
    });
    expect(await readdir(work)).toEqual(before);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('after %s', async (signal) => {
    await mkdir(at('cancelled'), { recursive: true });
    const flags = ['--method', 'awq', '--scheme', 'int4', '--group', '32', '--calibration', texts, '--json'];
    const child = spawn(
      process.execPath,
      [join(packageRoot(), 'dist', 'cli', 'main.js'), 'quantize', model, at('cancelled', 'no'), ...flags],
      { env: { PATH: process.env['PATH'] ?? '', ...threads }, stdio: ['ignore', 'pipe', 'ignore'] },
    );
    const ended = Promise.all([text(child.stdout), once(child, 'close')]);
    // Once there is something to be left behind.
    while (child.exitCode === null && (await readdir(at('cancelled'))).length === 0) await sleep(20);
    await sleep(500);
    child.kill(signal);
    const [stdout] = await ended;

    expect(JSON.parse(stdout)).toMatchObject({ error: { name: 'Cancelled' } });
    expect(await readdir(at('cancelled'))).toEqual([]);
  });
});
