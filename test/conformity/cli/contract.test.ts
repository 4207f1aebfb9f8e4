import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../../system/package-root.ts';
import { callCli, type CliAnswer } from '../../fixtures/call-cli.ts';

// Scripts of other people depend on these four verbs: their flags, exit codes and JSON may only grow.

const sample = join(packageRoot(), 'examples', 'sample');
const base = join(sample, 'sample-llama');
const lora = join(sample, 'lora-summarise');
const glossary = join(sample, 'lora-glossary');
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'enginewright-contract-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const at = (...parts: string[]): string => join(folder, ...parts);

/** The one JSON document on stdout. */
function jsonOf({ stdout }: CliAnswer): Record<string, unknown> {
  return JSON.parse(stdout) as Record<string, unknown>;
}

describe('convert IN OUT --to safetensors|bin', () => {
  it('takes a model in shards to bin and back, equal', async () => {
    const there = await callCli(['convert', base, at('bin'), '--to', 'bin']);
    const back = await callCli(['convert', at('bin'), at('back'), '--to', 'safetensors', '--json']);
    const compared = await callCli(['compare', base, at('back'), '--json']);

    expect([there.code, back.code, compared.code]).toEqual([0, 0, 0]);
    expect((await readdir(at('bin'))).filter((name) => name.endsWith('.bin')).length).toBeGreaterThan(0);
    expect(jsonOf(back)).toBeTypeOf('object');
    expect(jsonOf(compared)).toMatchObject({ equal: true, differences: [] });
  });

  it('takes an adapter, and a single file', async () => {
    const adapter = await callCli(['convert', glossary, at('glossary'), '--to', 'safetensors']);
    const file = await callCli([
      'convert',
      join(lora, 'adapter_model.safetensors'),
      at('one.bin'),
      '--to',
      'bin',
    ]);
    const compared = await callCli(['compare', join(lora, 'adapter_model.safetensors'), at('one.bin')]);

    expect([adapter.code, file.code, compared.code]).toEqual([0, 0, 0]);
    expect(await readdir(at('glossary'))).toEqual(
      expect.arrayContaining(['adapter_model.safetensors', 'adapter_config.json']),
    );
  });

  it.each([
    [['convert', base, '/nowhere/out'], 64, 'UsageInvalid'],
    [['convert', base, '/nowhere/out', '--to', 'safetensor'], 64, 'UsageInvalid'],
    [['convert', base], 64, 'UsageInvalid'],
    [['convert', '/nowhere/in', '/nowhere/out', '--to', 'bin'], 66, 'WeightsMissing'],
  ])('%j fails with %d', async (args, code, name) => {
    const answer = await callCli([...args, '--json']);

    expect(answer.code).toBe(code);
    expect(jsonOf(answer)).toEqual({
      error: { name, message: expect.any(String), hint: expect.any(String) },
    });
  });
});

describe('compare A B', () => {
  it('tells each difference and exits with 1', async () => {
    const other = at('other');
    await cp(lora, other, { recursive: true });
    const path = join(other, 'adapter_model.safetensors');
    const bytes = await readFile(path);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    await writeFile(path, bytes);

    const answer = await callCli(['compare', lora, other, '--json']);

    expect(answer.code).toBe(1);
    expect(jsonOf(answer)).toMatchObject({
      equal: false,
      differences: [{ tensor: expect.any(String), reason: expect.any(String) }],
    });
  });

  it('exits with neither 0 nor 1 when it cannot compare', async () => {
    expect((await callCli(['compare', lora, '/nowhere'])).code).toBe(66);
  });
});

describe('merge --base DIR --adapter DIR[@weight] --out DIR', () => {
  it('merges several adapters in order, with weights', async () => {
    const sources = ['--base', base, '--adapter', `${glossary}@0.1`, '--adapter', lora];
    const answer = await callCli([
      'merge',
      ...sources,
      '--out',
      at('merged'),
      '--rounding',
      'once',
      '--json',
    ]);

    expect(answer.code).toBe(0);
    expect(jsonOf(answer)).toBeTypeOf('object');
    expect(await readdir(at('merged'))).toEqual(expect.arrayContaining(['config.json', 'tokenizer.json']));
    expect((await callCli(['compare', base, at('merged')])).code).toBe(1);
  });

  it('of weight 0 changes nothing', async () => {
    const flags = ['--base', base, '--adapter', `${lora}@0`, '--out', at('unchanged')];

    expect((await callCli(['merge', ...flags])).code).toBe(0);
    expect((await callCli(['compare', base, at('unchanged')])).code).toBe(0);
  });

  it.each([
    [['--base', base, '--out', '/nowhere/out'], 64],
    [['--base', base, '--adapter', lora, '--out', '/nowhere/out', '--rounding', 'up'], 64],
    [['--base', base, '--adapter', base, '--out', '/nowhere/out'], undefined],
  ])('with %j fails and writes nothing', async (flags, code) => {
    const answer = await callCli(['merge', ...flags]);

    expect(answer.code).toSatisfy((got: number) => (code === undefined ? got >= 64 : got === code));
    await expect(readdir('/nowhere')).rejects.toThrow('ENOENT');
  });
});

describe('score --predictions FILE.jsonl --metrics rouge', () => {
  const lines = [
    { id: 'a', prediction: 'the cat sat', reference: 'the cat sat on the mat' },
    { prediction: 'nothing alike', reference: 'completely different' },
  ];

  it.each(['trtllm-summarize', 'hf-evaluate', 'mlperf'])(
    'gives metrics and samples in the dialect %s',
    async (dialect) => {
      await writeFile(at('predictions.jsonl'), lines.map((line) => JSON.stringify(line)).join('\n'));
      const answer = await callCli([
        'score',
        '--predictions',
        at('predictions.jsonl'),
        '--metrics',
        'rouge',
        '--dialect',
        dialect,
        '--json',
      ]);

      expect(answer.code).toBe(0);
      const { metrics, samples } = jsonOf(answer) as {
        metrics: Record<string, { mean: number }>;
        samples: unknown[];
      };
      expect(Object.keys(metrics)).toEqual(
        expect.arrayContaining(['rouge1', 'rouge2', 'rougeL', 'rougeLsum']),
      );
      expect(metrics['rouge1']?.mean).toBeGreaterThan(0);
      expect(samples).toHaveLength(2);
    },
  );

  it('scores Chinese by character', async () => {
    await writeFile(
      at('chinese.jsonl'),
      `${JSON.stringify({ prediction: '今天天气', reference: '今天天气' })}\n`,
    );
    const answer = await callCli([
      'score',
      '--predictions',
      at('chinese.jsonl'),
      '--metrics',
      'rouge',
      '--tokenizer',
      'zh-char',
      '--json',
    ]);

    expect(answer.code).toBe(0);
    expect(jsonOf(answer)).toMatchObject({ metrics: { rouge1: { mean: expect.closeTo(100, 6) as number } } });
  });

  it.each([
    ['{"prediction": "a"}', 65, 'DatasetInvalid'],
    ['nonsense', 65, 'DatasetInvalid'],
    ['', 65, 'DatasetEmpty'],
  ])('of the lines %j fails', async (text, code, name) => {
    await writeFile(at('wrong.jsonl'), text);
    const answer = await callCli([
      'score',
      '--predictions',
      at('wrong.jsonl'),
      '--metrics',
      'rouge',
      '--json',
    ]);

    expect(jsonOf(answer)).toMatchObject({ error: { name } });
    expect(answer.code).toBe(code);
  });

  it.each([
    [[], 64],
    [['--predictions', '/nowhere.jsonl', '--metrics', 'bleu'], 64],
    [['--predictions', '/nowhere.jsonl'], 66],
  ])('called with %j fails with %d', async (flags, code) => {
    expect((await callCli(['score', ...flags])).code).toBe(code);
  });
});
