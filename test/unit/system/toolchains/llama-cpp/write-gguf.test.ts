import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { planLoraGguf } from '../../../../../core/formats/gguf/lora-plan.ts';
import type { GgufPlan } from '../../../../../core/formats/gguf/model-plan.ts';
import { layOutGguf } from '../../../../../core/formats/gguf/layout.ts';
import type { FloatTensor } from '../../../../../core/formats/gguf/match-tensors.ts';
import { readAdapterConfig } from '../../../../../core/formats/peft/adapter-config.ts';
import { writeGgufFile } from '../../../../../system/toolchains/llama-cpp/write-gguf-file.ts';
import { readGgufFile } from '../../../../../system/toolchains/llama-cpp/read-gguf-file.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'write-gguf-'));
});
afterEach(() => rm(folder, { recursive: true }));

const scope = (signal = new AbortController().signal) => ({ signal, onProgress: () => undefined });

/** One matrix of singles in a file, to be written as halves. */
async function planOf(values: Float32Array, rows: number, interleavedRows?: number): Promise<GgufPlan> {
  const file = join(folder, 'source.bin');
  await writeFile(file, values);
  const shape = [rows, values.length / rows];
  const source: FloatTensor = { name: 'w', dtype: 'F32', shape, file, offset: 0, bytes: values.byteLength };
  return {
    architecture: 'llama',
    metadata: [],
    layout: layOutGguf([], [{ name: 'w', type: 'F32', shape }]),
    contents: [{ kind: 'file', source, ...(interleavedRows === undefined ? {} : { interleavedRows }) }],
  };
}

describe('writeGgufFile', () => {
  it('interleaves the rows of every head, across the pieces it reads', async () => {
    const [heads, headRows, columns] = [12, 64, 768];
    const values = Float32Array.from({ length: heads * headRows * columns }, (_, index) => index);
    const out = join(folder, 'out.gguf');

    await writeGgufFile(await planOf(values, heads * headRows, headRows), out, scope());

    const [tensor] = (await readGgufFile(out)).tensors;
    const bytes = await readFile(out);
    const at = tensor?.offset ?? 0;
    const firstOfRow = (row: number) => bytes.readFloatLE(at + row * columns * 4) / columns;
    // Rows 0, 1, 2 of a head come from 0, 32, 1 of the same head.
    for (let head = 0; head < heads; head += 1) {
      expect([0, 1, 2, 63].map((row) => firstOfRow(head * headRows + row) - head * headRows)).toEqual([
        0, 32, 1, 63,
      ]);
    }
    expect(bytes.readFloatLE(at + values.byteLength - 4)).toBe(values.length - 1);
  });

  it('leaves nothing behind when it is cancelled', async () => {
    const plan = await planOf(new Float32Array(64), 8);
    const stop = new AbortController();
    stop.abort(new Error('enough'));

    await expect(writeGgufFile(plan, join(folder, 'out.gguf'), scope(stop.signal))).rejects.toThrow('enough');
    expect(await readdir(folder)).toEqual(['source.bin']);
  });

  it('refuses to turn large values into infinities', async () => {
    const plan = await planOf(Float32Array.of(1, 1e6), 1);
    const narrow = { ...plan, layout: layOutGguf([], [{ name: 'w', type: 'F16', shape: [1, 2] }]) };

    await expect(writeGgufFile(narrow, join(folder, 'out.gguf'), scope())).rejects.toMatchObject({
      name: 'WeightsUnsupported',
      message: expect.stringContaining('beyond the range of F16'),
      hint: expect.stringContaining('bfloat16'),
    });
    expect(await readdir(folder)).toEqual(['source.bin']);
  });

  it('notices a source that is shorter than planned', async () => {
    const plan = await planOf(new Float32Array(64), 8);
    await writeFile(join(folder, 'source.bin'), new Uint8Array(100));

    await expect(writeGgufFile(plan, join(folder, 'out.gguf'), scope())).rejects.toMatchObject({
      name: 'WeightsCorrupt',
    });
  });
});

describe('planLoraGguf', () => {
  const baseConfig = {
    architectures: ['LlamaForCausalLM'],
    num_hidden_layers: 1,
    hidden_size: 8,
    intermediate_size: 16,
    num_attention_heads: 2,
    vocab_size: 10,
    max_position_embeddings: 32,
    rms_norm_eps: 1e-6,
  };
  const prefix = 'base_model.model.model.layers.0.self_attn.q_proj';
  const half = (name: string, shape: readonly number[]) => ({
    name,
    dtype: 'F32' as const,
    shape,
    file: '/a',
    offset: 0,
    bytes: 0,
  });
  const pair = [half(`${prefix}.lora_A.weight`, [4, 8]), half(`${prefix}.lora_B.weight`, [8, 4])];

  function plan(config: object = {}, tensors = pair, weight = 1) {
    const full = { peft_type: 'LORA', r: 4, lora_alpha: 6, target_modules: ['q_proj'], ...config };
    return planLoraGguf({
      adapter: { label: 'a', config: readAdapterConfig(full, 'c'), tensors, weight },
      baseConfig,
    });
  }
  const alphaOf = ({ metadata }: GgufPlan) => new Map(metadata).get('adapter.lora.alpha')?.value;

  it('writes the alpha that makes llama.cpp scale as peft does', () => {
    expect(alphaOf(plan())).toBe(6);
    expect(alphaOf(plan({}, pair, 0.5))).toBe(3);
    // alpha / √r = 3 = 12 / r
    expect(alphaOf(plan({ use_rslora: true }))).toBe(12);
    expect(alphaOf(plan({ alpha_pattern: { q_proj: 8 } }))).toBe(8);
  });

  it.each<[string, object, typeof pair, string]>([
    ['whole modules', { modules_to_save: ['lm_head'] }, pair, 'AdapterUnsupported'],
    ['transposed weights', { fan_in_fan_out: true }, pair, 'AdapterUnsupported'],
    [
      'another base',
      {},
      [half(`${prefix}.lora_A.weight`, [4, 6]), half(`${prefix}.lora_B.weight`, [8, 4])],
      'AdapterMismatch',
    ],
    [
      'a layer the base has not',
      {},
      pair.map((entry) => ({ ...entry, name: entry.name.replace('layers.0', 'layers.7') })),
      'AdapterMismatch',
    ],
    ['another rank than its config', { r: 2 }, pair, 'AdapterMismatch'],
  ])('refuses an adapter with %s', (_, config, tensors, name) => {
    expect(() => plan(config, tensors)).toThrow(expect.objectContaining({ name }));
  });
});
