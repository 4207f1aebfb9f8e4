import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { smoothquant } from '../../core/catalog/quantizations/smoothquant.ts';
import { llamaCpp } from '../../core/catalog/toolchains/llama-cpp.ts';
import { halfToSingle, singleOfBits } from '../../core/formats/gguf/float-bits.ts';
import { openWeights } from '../../system/weights/open-weights.ts';
import { statisticsFile } from '../../system/weights/statistics-file.ts';
import { createWeightTools } from '../../system/weights/weight-tools.ts';
import { quantizeWeights } from '../../system/weights/quantize-weights.ts';
import { type CapturedInput, writeCapturedStatistics } from '../fixtures/weights/captured-statistics.ts';
import { formulaTensors, formulaWeights, writeFormulaModel } from '../fixtures/weights/formula-model.ts';

// SmoothQuant as a recipe's step writes it, computed by the way engines compute W8A8: every token's activations become
// int8 by a scale of their own. Its claim is that outliers of some channels then cost less.

const scope = { signal: new AbortController().signal, onProgress: () => undefined };
const [hidden, intermediate, tokens] = [128, 256, 48];
const outliers = [7, 40, 99];

let work: string;
let facts: { readonly [fact: string]: unknown };
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'smoothed-activations-'));
  await writeFormulaModel(join(work, 'model'));
  await mkdir(join(work, 'statistics'));
  await writeCapturedStatistics(join(work, 'statistics', statisticsFile), inputsOf());
  const spelling = llamaCpp.quantizations.smoothquant(smoothquant.Options.parse({ method: 'smoothquant' }));
  if (!('quantize' in spelling)) throw new Error('SmoothQuant is quantized by our own step');
  facts = await createWeightTools(null).quantize(
    {
      from: join(work, 'model'),
      statisticsFolder: join(work, 'statistics'),
      parameters: spelling.quantize ?? {},
      out: join(work, 'smoothed'),
    },
    scope,
  );
  const grid = { kind: 'integer', bits: 8, group: null, symmetric: true, convention: 'centred' } as const;
  await quantizeWeights(
    {
      from: join(work, 'model'),
      to: join(work, 'plain'),
      scheme: { grid, layout: 'compressed-tensors', activations: 'dynamic' },
      scaleDtype: 'F16',
    },
    scope,
  );
});
afterAll(() => rm(work, { recursive: true, force: true }));

/** Some channels of what follows a norm are a hundred times as large, as in large models. */
function inputsOf(): CapturedInput[] {
  const draw = (seed: number, columns: number, large: readonly number[]): Float64Array[] =>
    Array.from({ length: tokens }, (_, token) =>
      Float64Array.from(formulaWeights(seed + token, columns), (value, at) =>
        large.includes(at) ? 100 * value : value,
      ),
    );
  return [0, 1].flatMap((layer) => {
    const prefix = `model.layers.${layer}`;
    const named = (...names: string[]): string[] => names.map((name) => `${prefix}.${name}`);
    const attention = named('self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj');
    return [
      { modules: attention, tokens: draw(5000 + layer * 1000, hidden, outliers) },
      { modules: named('self_attn.o_proj'), tokens: draw(5200 + layer * 1000, hidden, []) },
      { modules: named('mlp.gate_proj', 'mlp.up_proj'), tokens: draw(5400 + layer * 1000, hidden, outliers) },
      { modules: named('mlp.down_proj'), tokens: draw(5600 + layer * 1000, intermediate, []) },
    ];
  });
}

/** The values of a tensor of a folder: I8, F16 or F32. */
async function read(folder: string, name: string): Promise<Float64Array> {
  const { tensors } = await openWeights(join(work, folder));
  const tensor = tensors.find((one) => one.name === name);
  if (tensor === undefined) throw new Error(`${folder} has no ${name}`);
  const file = await readFile(tensor.file);
  const { buffer } = Uint8Array.from(file.subarray(tensor.offset, tensor.offset + tensor.bytes));
  if (tensor.dtype === 'I8') return Float64Array.from(new Int8Array(buffer));
  if (tensor.dtype === 'F32') return Float64Array.from(new Float32Array(buffer));
  return Float64Array.from(new Uint16Array(buffer), (bits) => singleOfBits(halfToSingle(bits)));
}

/** As vLLM's dynamic int8 scheme: the largest magnitude of a token becomes 127. */
function roundToken(x: Float64Array): Float64Array {
  const scale = x.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 127;
  return x.map((value) => Math.round(value / scale) * scale);
}

function product(weights: Float64Array, x: Float64Array): Float64Array {
  return Float64Array.from({ length: weights.length / x.length }, (_, row) =>
    x.reduce((sum, value, column) => sum + value * (weights[row * x.length + column] ?? 0), 0),
  );
}

async function dequantized(folder: string, module: string): Promise<Float64Array> {
  const codes = await read(folder, `${module}.weight`);
  const scales = await read(folder, `${module}.weight_scale`);
  return codes.map((code, at) => code * (scales[Math.floor(at / hidden)] ?? Number.NaN));
}

/** Σ over tokens of |y − ŷ|² for a linear behind a norm whose weights are 1 in the model. */
async function errorOf(folder: string, module: string, norm: string): Promise<number> {
  const original = formulaTensors().find(({ name }) => name === `${module}.weight`)?.values;
  const weights = Float64Array.from(original ?? []);
  const stored = await dequantized(folder, module);
  const factors = await read(folder, norm);
  const given = inputsOf().find(({ modules }) => modules.includes(module))?.tokens ?? [];
  let sum = 0;
  for (const x of given) {
    const expected = product(weights, x);
    const found = product(stored, roundToken(x.map((value, at) => value * (factors[at] ?? Number.NaN))));
    sum += expected.reduce((total, value, row) => total + (value - (found[row] ?? Number.NaN)) ** 2, 0);
  }
  return sum;
}

describe('a folder that SmoothQuant wrote', () => {
  it('asks engines for int8 activations, a scale for each token', async () => {
    const config = JSON.parse(await readFile(join(work, 'smoothed', 'config.json'), 'utf8')) as object;
    const plain = JSON.parse(await readFile(join(work, 'plain', 'config.json'), 'utf8')) as object;

    expect(config).toMatchObject({
      quantization_config: {
        quant_method: 'compressed-tensors',
        format: 'int-quantized',
        config_groups: {
          group_0: {
            weights: { num_bits: 8, type: 'int', strategy: 'channel', symmetric: true },
            input_activations: {
              num_bits: 8,
              type: 'int',
              strategy: 'token',
              dynamic: true,
              symmetric: true,
            },
          },
        },
      },
    });
    expect(config).toEqual(plain);
    expect(facts).toMatchObject({ linears: 14, outputError: expect.any(Number) as number });
  });

  it.each([
    ['model.layers.0.self_attn.q_proj', 'model.layers.0.input_layernorm.weight'],
    ['model.layers.1.self_attn.v_proj', 'model.layers.1.input_layernorm.weight'],
    ['model.layers.0.mlp.gate_proj', 'model.layers.0.post_attention_layernorm.weight'],
    ['model.layers.1.mlp.up_proj', 'model.layers.1.post_attention_layernorm.weight'],
  ])('is several times nearer to the outputs of %s than W8A8 without it', async (module, norm) => {
    const smoothed = await errorOf('smoothed', module, norm);
    const plain = await errorOf('plain', module, norm);

    expect(smoothed).toBeGreaterThan(0);
    expect(smoothed).toBeLessThan(plain / 4);
  });

  it('takes outliers out of what linears are given, by the norm before', async () => {
    const norm = await read('smoothed', 'model.layers.0.input_layernorm.weight');
    const median = norm.toSorted()[hidden / 2] ?? 0;

    // A hundred times as large: the square root of that, for alpha is a half.
    for (const at of outliers) expect(norm[at]).toBeLessThan(median / 5);
  });

  it.each(['self_attn.o_proj', 'mlp.down_proj'])(
    'leaves %s, which no norm precedes, as rounded',
    async (name) => {
      const module = `model.layers.1.${name}`;

      expect(await read('smoothed', `${module}.weight`)).toEqual(await read('plain', `${module}.weight`));
      expect(await read('smoothed', `${module}.weight_scale`)).toEqual(
        await read('plain', `${module}.weight_scale`),
      );
    },
  );
});
