import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../../core/domain/json.ts';
import type { Grid } from '../../core/domain/quantize-pieces.ts';
import { readQuantizedLinears } from '../../core/formats/quantized/read-quantized.ts';
import { parseShardIndex } from '../../core/formats/shard-index.ts';
import { locateWeights } from '../../system/native-cli/locate.ts';
import { openWeights } from '../../system/weights/open-weights.ts';
import { quantizeWeights, type QuantizeRequest } from '../../system/weights/quantize-weights.ts';
import {
  formulaConfig,
  formulaTensors,
  writeFormulaModel,
  writeTensors,
} from '../fixtures/weights/formula-model.ts';
import { failureOf } from '../fixtures/weights/memory-source.ts';

const sample = join(import.meta.dirname, '../../examples/sample/sample-llama');
const scope = {
  signal: new AbortController().signal,
  onProgress: () => undefined,
  executable: locateWeights(process.env['ENGINEWRIGHT_WEIGHTS']),
};
const int4: Grid = { kind: 'integer', bits: 4, group: 32, symmetric: true, convention: 'centred' };

let work: string;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'quantize-model-'));
  await writeFormulaModel(join(work, 'model'));
});
afterAll(() => rm(work, { recursive: true, force: true }));

function quantize(to: string, grid: Grid, rest: Partial<QuantizeRequest> = {}) {
  const scheme = { grid, layout: 'compressed-tensors', activations: 'none' } as const;
  return quantizeWeights({ from: sample, to: join(work, to), scheme, ...rest }, scope);
}

const json = async (...path: string[]): Promise<Json> =>
  JSON.parse(await readFile(join(work, ...path), 'utf8')) as Json;

describe('a quantized folder', () => {
  it('has the shards, index and companions of the model, and a config that says how to read it', async () => {
    const report = await quantize('int4', int4);

    expect((await readdir(join(work, 'int4'))).toSorted()).toEqual((await readdir(sample)).toSorted());
    const index = parseShardIndex(
      await readFile(join(work, 'int4', 'model.safetensors.index.json'), 'utf8'),
      'index',
    );
    const { tensors } = await openWeights(join(work, 'int4'));
    expect(new Set(index.shardOf.keys())).toEqual(new Set(tensors.map(({ name }) => name)));
    expect(await json('int4', 'config.json')).toEqual({
      ...(JSON.parse(await readFile(join(sample, 'config.json'), 'utf8')) as object),
      quantization_config: expect.objectContaining({
        quant_method: 'compressed-tensors',
        format: 'pack-quantized',
      }),
    });
    expect(report.bytesAfter).toBe(tensors.reduce((sum, { bytes }) => sum + bytes, 0));
    expect(report.bytesAfter).toBeLessThan(report.bytesBefore * 0.55);
  });

  it('is described by our own reader as what was asked for', async () => {
    await quantize('read', { ...int4, symmetric: false });

    const { tensors } = await openWeights(join(work, 'read'));
    const { linears, others } = readQuantizedLinears(tensors, await json('read', 'config.json'));
    expect(linears).toHaveLength(42);
    expect(
      linears.every((linear) => linear.kind === 'integer' && linear.bits === 4 && linear.zeros !== undefined),
    ).toBe(true);
    expect(others).toHaveLength(57 - 42);
  });

  it('comes with the error of every linear, worst first', async () => {
    const { worst } = await quantize('errors', int4, { exclude: ['down_proj'] });
    const eight = await quantize('errors8', { ...int4, bits: 8 });

    expect(worst).toHaveLength(36);
    expect(worst.map(({ relativeFrobenius }) => relativeFrobenius)).toEqual(
      worst.map(({ relativeFrobenius }) => relativeFrobenius).toSorted((a, b) => b - a),
    );
    expect(worst[0]?.name).toMatch(/^model\.layers\.\d\.(self_attn|mlp)\.\w+_proj$/);
    // Each bit is worth 6 dB.
    expect((eight.worst[0]?.sqnr ?? 0) - (worst[0]?.sqnr ?? 0)).toBeGreaterThan(20);
  });

  it('is the same bytes every time', async () => {
    const first = await quantize('once', { kind: 'nvfp4' });
    const second = await quantize('twice', { kind: 'nvfp4' });

    expect(second.files).toEqual(first.files);
  });
});

describe("a solver's codes", () => {
  it('that rounding would have found give the very bytes of rounding', async () => {
    const from = join(work, 'model');
    const eight: Grid = { ...int4, bits: 8, group: null };
    const layout = { layout: 'compressed-tensors', activations: 'dynamic' } as const;
    await quantize('plain8', eight, { from, scheme: { grid: eight, ...layout } });
    await writeFile(join(work, 'solved8.safetensors'), await solvedFrom(join(work, 'plain8')));

    const solved = join(work, 'solved8.safetensors');
    const again = await quantize('again8', eight, { from, solved, scheme: { grid: eight, ...layout } });

    expect(again.worst).toEqual([]);
    expect(await readFile(join(work, 'again8', 'model.safetensors'))).toEqual(
      await readFile(join(work, 'plain8', 'model.safetensors')),
    );
  });

  it('are refused before anything is written when one is missing', async () => {
    const solved = join(work, 'short.safetensors');
    const module = 'model.layers.0.self_attn.q_proj';
    await writeTensors(solved, [
      {
        name: `${module}.codes`,
        dtype: 'I8',
        shape: [128, 128],
        values: new Int8Array(128 * 128),
      },
      {
        name: `${module}.scales`,
        dtype: 'F32',
        shape: [128, 4],
        values: new Float32Array(512),
      },
    ]);

    const failure = await failureOf(quantize('short', int4, { from: join(work, 'model'), solved }));

    expect(failure).toContain(
      "QuantizationUnfit: The solver's file has no codes of model.layers.0.self_attn.k_proj",
    );
    expect(await readdir(work)).not.toContain('short');
  });

  /** The I8 codes and F32 scales of an int-quantized folder under the names a solver gives them. */
  async function solvedFrom(folder: string): Promise<Uint8Array> {
    const { tensors } = await openWeights(folder);
    const file = await readFile(join(folder, 'model.safetensors'));
    const renamed = tensors
      .filter(({ name }) => name.includes('_proj'))
      .map(({ name, dtype, shape, offset, bytes }) => ({
        name: name.replace(/\.weight$/, '.codes').replace(/\.weight_scale$/, '.scales'),
        dtype,
        shape,
        values: file.subarray(offset, offset + bytes),
      }));
    const target = join(work, 'renamed.safetensors');
    await writeTensors(target, renamed);
    return readFile(target);
  }
});

describe('quantizing leaves nothing behind when', () => {
  it.each<[string, (folder: string) => Promise<void>, string]>([
    [
      'the model is quantized already',
      (folder) =>
        writeFormulaModel(folder, { ...formulaConfig, quantization_config: { quant_method: 'awq' } }),
      'WeightsUnsupported',
    ],
    [
      'config.json is missing',
      async (folder) => {
        await writeFormulaModel(folder);
        await rm(join(folder, 'config.json'));
      },
      'WeightsUnsupported',
    ],
    [
      'config.json is no JSON',
      async (folder) => {
        await writeFormulaModel(folder);
        await writeFile(join(folder, 'config.json'), '{');
      },
      'WeightsCorrupt',
    ],
    [
      'a weight is not finite',
      async (folder) => {
        await writeFormulaModel(folder);
        const broken = formulaTensors().map((tensor) => {
          if (tensor.name === 'model.layers.1.mlp.up_proj.weight') tensor.values[7] = Number.NaN;
          return tensor;
        });
        await writeTensors(join(folder, 'model.safetensors'), broken);
      },
      'MergeNotFinite',
    ],
  ])('%s', async (name, prepare, expected) => {
    const from = join(work, name);
    await prepare(from);

    expect(await failureOf(quantize('nothing', int4, { from }))).toMatch(new RegExp(`^${expected}: `));
    expect((await readdir(work)).filter((entry) => entry.includes('nothing'))).toEqual([]);
  });
});
