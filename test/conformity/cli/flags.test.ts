import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../../system/package-root.ts';
import { openWeights } from '../../../system/weights/open-weights.ts';
import { callCli, type CliAnswer } from '../../fixtures/call-cli.ts';
import { writeTensors } from '../../fixtures/weights/formula-model.ts';

// What the values of flags mean, by figures that are known without this program.

const checkpoint = join(packageRoot(), 'test', 'fixtures', 'torch', 'checkpoint.bin');
let folder = '';
const at = (...parts: string[]): string => join(folder, ...parts);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'enginewright-flags-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a misspelt value of a flag', () => {
  it.each([
    [
      ['convert', 'a', 'b', '--to', 'safetensor'],
      '--to is one of safetensors, bin: did you mean safetensors?',
    ],
    [['convert', 'a', 'b', '--to', 'bin', '--aliases', 'drop-tide'], 'did you mean drop-tied?'],
    [
      ['merge', '--base', 'a', '--adapter', 'b', '--out', 'c', '--rounding', 'peft-save'],
      '--rounding is one of peft-default, peft-safe, once: did you mean peft-safe?',
    ],
    [['merge', '--base', 'a', '--adapter', 'b', '--out', 'c', '--new-rows', 'maen'], 'did you mean mean?'],
    [['score', '--predictions', 'a', '--dialect', 'mlpref'], 'did you mean mlperf?'],
    [['score', '--predictions', 'a', '--tokenizer', 'zh-chars'], 'did you mean zh-char?'],
    [['score', '--predictions', 'a', '--metrics', 'rogue'], '--metrics is one of rouge: did you mean rouge?'],
    [['worker', '--role', 'enigne'], '--role is one of control, cpu, engine: did you mean engine?'],
    [['quantize', 'a', 'b', '--scheme', 'int4', '--scale-dtype', 'floot16'], 'did you mean float16?'],
  ])('%j is told with the nearest one', async (args, message) => {
    const { code, stdout, stderr } = await callCli(args);

    expect({ code, stdout, stderr }).toEqual({
      code: 64,
      stdout: '',
      stderr: expect.stringContaining(message),
    });
  });
});

describe('convert --root KEY', () => {
  it('takes the tensors of one dictionary of a training checkpoint, and no others', async () => {
    const args = ['convert', checkpoint, at('model.safetensors'), '--to', 'safetensors'];
    const without = await callCli(args);
    const chosen = await callCli([...args, '--root', 'state_dict', '--json']);

    expect([without.code, chosen.code]).toEqual([65, 0]);
    expect(without.stderr).toContain('dictionaries of tensors: state_dict, optimizer');
    expect(JSON.parse(chosen.stdout)).toMatchObject({ tensors: 1 });
    expect(await float32Of('w', at('model.safetensors'))).toEqual([1, 1, 1, 1]);
  });

  it('names the dictionaries there are where it names none of them', async () => {
    const to = ['--to', 'safetensors', '--root', 'state'];
    const answer = await callCli(['convert', checkpoint, at('none.safetensors'), ...to]);

    expect(answer.code).toBe(65);
    expect(answer.stderr).toContain('perhaps --root state_dict');
  });
});

describe('merge', () => {
  /** One weight, 1 in float16, and an adapter that adds a little more than half of what float16 can tell from 1. */
  const change = 2 ** -11 + 2 ** -23;
  const linear = 'model.layers.0.self_attn.q_proj';

  beforeAll(async () => {
    await mkdir(at('base'));
    await writeFile(at('base', 'config.json'), '{"model_type": "llama"}');
    await writeTensors(at('base', 'model.safetensors'), [
      { name: `${linear}.weight`, dtype: 'F16', shape: [1, 1], values: Uint16Array.of(0x3c00) },
    ]);
    await writeAdapter(at('adapter'), change);
  });

  async function writeAdapter(out: string, product: number): Promise<void> {
    await mkdir(out, { recursive: true });
    const config = { peft_type: 'LORA', r: 1, lora_alpha: 1, target_modules: ['q_proj'] };
    await writeFile(join(out, 'adapter_config.json'), JSON.stringify(config));
    const key = `base_model.model.${linear}`;
    await writeTensors(join(out, 'adapter_model.safetensors'), [
      { name: `${key}.lora_A.weight`, dtype: 'F32', shape: [1, 1], values: Float32Array.of(1) },
      { name: `${key}.lora_B.weight`, dtype: 'F32', shape: [1, 1], values: Float32Array.of(product) },
    ]);
  }

  /** The bits of the one merged weight. */
  async function merged(...flags: string[]): Promise<number> {
    await rm(at('out'), { recursive: true, force: true });
    const answer = await callCli(['merge', '--base', at('base'), '--out', at('out'), ...flags]);
    if (answer.code !== 0) throw new Error(answer.stderr);
    return (await bytesOf(`${linear}.weight`, at('out'))).readUInt16LE(0);
  }

  it('rounds the change before it is added with --rounding peft-safe, and after it without', async () => {
    const adapter = ['--adapter', at('adapter')];

    // 1 + 2^-11 lies half-way between 1 and the next number and goes to the even one; 2^-23 more goes up.
    expect(await merged(...adapter)).toBe(0x3c01);
    expect(await merged(...adapter, '--rounding', 'peft-default')).toBe(0x3c01);
    expect(await merged(...adapter, '--rounding', 'peft-safe')).toBe(0x3c00);
  });

  it('rounds once after several adapters with --rounding once', async () => {
    await writeAdapter(at('half'), 2 ** -11);
    const both = ['--adapter', at('half'), '--adapter', at('half')];

    // Each alone is rounded away; their sum is not.
    expect(await merged(...both)).toBe(0x3c00);
    expect(await merged(...both, '--rounding', 'once')).toBe(0x3c01);
  });

  it('takes weights below zero and with an exponent, and folders with @ in their name', async () => {
    await writeAdapter(at('one'), 1);
    await cp(at('one'), at('one@home'), { recursive: true });
    await cp(at('one'), at('one@2'), { recursive: true });

    expect(await merged('--adapter', `${at('one')}@-0.5`)).toBe(0x3800);
    expect(await merged('--adapter', `${at('one')}@5e-1`)).toBe(0x3e00);
    expect(await merged('--adapter', at('one@home'))).toBe(0x4000);
    expect(await merged('--adapter', `${at('one@home')}@-1`)).toBe(0x0000);
    // The last @ with a number is the weight, so a name that looks like one needs it.
    expect(await merged('--adapter', `${at('one@2')}@1`)).toBe(0x4000);
  });
});

describe('score', () => {
  const score = async (lines: readonly object[], ...flags: string[]): Promise<CliAnswer> => {
    await writeFile(at('lines.jsonl'), lines.map((line) => JSON.stringify(line)).join('\n'));
    return callCli(['score', '--predictions', at('lines.jsonl'), '--json', ...flags]);
  };
  const means = ({ stdout }: CliAnswer): Record<string, number> => {
    const { metrics } = JSON.parse(stdout) as { metrics: Record<string, { mean: number }> };
    return Object.fromEntries(Object.entries(metrics).map(([name, { mean }]) => [name, mean]));
  };
  const near = (figures: Record<string, number>): Record<string, unknown> =>
    Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, expect.closeTo(value, 3)]));

  // Figures of rouge_score for these pairs are in test/fixtures/rouge/vectors.json: A, A stemmed, and B, whose
  // sentences are lines there and sentences here. So its ROUGE-Lsum is B's where sentences are found, else its ROUGE-L.
  const english = [
    { reference: 'The skies were dying; news of 3 innings.', prediction: 'Sky news: dies in 3.5 innings!' },
    {
      reference: 'Police killed the gunman. No one was hurt.',
      prediction: 'No one was hurt. The gunman was killed by police.',
    },
  ];
  const plain = { rouge1: 64.4444, rouge2: 25, rougeL: 42.2222, rougeLsum: 42.2222 };

  it.each([
    ['trtllm-summarize', plain],
    ['hf-evaluate', plain],
    ['mlperf', { rouge1: 77.7778, rouge2: 25, rougeL: 48.8889, rougeLsum: 60 }],
  ])('--dialect %s stems and splits as its tool does', async (dialect, figures) => {
    const answer = await score(english, '--dialect', dialect);

    expect(JSON.parse(answer.stdout)).toMatchObject({ dialect, tokenizer: 'ascii-words' });
    expect(means(answer)).toEqual(near(figures));
  });

  it('tells how far a dialect’s own figure may be compared', async () => {
    const caveats = await Promise.all(
      ['trtllm-summarize', 'hf-evaluate', 'mlperf'].map(async (dialect) => {
        await mkdir(at(dialect));
        const file = at(dialect, 'lines.jsonl');
        await writeFile(file, JSON.stringify(english[0]));
        const { stdout } = await callCli(['score', '--predictions', file, '--json', '--dialect', dialect]);
        return (JSON.parse(stdout) as { caveat: string | null }).caveat;
      }),
    );

    expect(caveats).toEqual([null, expect.stringContaining('seed'), expect.stringContaining('Punkt')]);
  });

  const chinese = [
    { reference: '量化后的模型精度下降了百分之二。', prediction: '模型量化后精度只下降百分之二' },
  ];

  it('refuses Chinese with the tokenizer for English, names the one to use, and scores with that', async () => {
    const refused = await score(chinese);
    const scored = await score(chinese, '--tokenizer', 'zh-char');

    expect(refused.code).toBe(65);
    expect(JSON.parse(refused.stdout)).toMatchObject({
      error: { name: 'DatasetInvalid', hint: expect.stringContaining('--tokenizer zh-char') as string },
    });
    expect(means(scored)).toMatchObject(near({ rouge1: 89.6552, rouge2: 59.2593, rougeL: 75.8621 }));
  });
});

async function bytesOf(name: string, path: string): Promise<Buffer> {
  const { tensors } = await openWeights(path);
  const tensor = tensors.find((each) => each.name === name);
  if (tensor === undefined) throw new Error(`${path} has no ${name}`);
  return (await readFile(tensor.file)).subarray(tensor.offset, tensor.offset + tensor.bytes);
}

async function float32Of(name: string, path: string): Promise<number[]> {
  const bytes = await bytesOf(name, path);
  return Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readFloatLE(4 * index));
}
