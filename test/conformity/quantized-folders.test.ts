import { randomUUID } from 'node:crypto';
import { cp, mkdir, mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fp8Grid, Grid, IntegerGrid } from '../../core/domain/quantize-pieces.ts';
import type { QuantizationScheme } from '../../core/formats/quantized/scheme.ts';
import { packageRoot } from '../../system/package-root.ts';
import { locateWeights } from '../../system/native-cli/locate.ts';
import { createLlamaCpp } from '../../system/toolchains/llama-cpp/toolchain.ts';
import { inspectWeights } from '../../system/weights/inspect-weights.ts';
import { openWeights } from '../../system/weights/open-weights.ts';
import { quantizeWeights } from '../../system/weights/quantize-weights.ts';
import { dequantizers, type StoredParts } from '../fixtures/weights/dequantize.ts';
import { dequantizeFp8, dequantizeNvfp4 } from '../fixtures/weights/dequantize-floats.ts';
import { bytesAt, ggufTensor, readValues, sourceRow } from '../fixtures/gguf/read-values.ts';
import { roundTo } from '../unit/system/native-cli/float-reference.ts';

const sample = join(packageRoot(), 'examples', 'sample', 'sample-llama');
const scope = { signal: new AbortController().signal, onProgress: () => undefined };

let work: string;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'quantized-folders-'));
});
afterAll(() => rm(work, { recursive: true, force: true }));

const integer = (bits: 4 | 8, group: number | null, symmetric: boolean): IntegerGrid => ({
  kind: 'integer',
  bits,
  group,
  symmetric,
  convention: 'centred',
});
const fp8 = (...block: Fp8Grid['block']): Fp8Grid => ({ kind: 'fp8', block });

interface Folder {
  readonly name: string;
  readonly grid: Grid;
  readonly layout: QuantizationScheme['layout'];
  /** Of the scales. */
  readonly dtype: 'F16' | 'F32' | 'BF16';
  /** What matrices become in a checkpoint. */
  readonly type: 'Q4_0' | 'Q8_0' | 'F16';
}

const folders: readonly Folder[] = [
  { name: 'packed', grid: integer(4, 128, true), layout: 'compressed-tensors', dtype: 'F16', type: 'Q4_0' },
  { name: 'bytes', grid: integer(8, null, true), layout: 'compressed-tensors', dtype: 'F16', type: 'Q8_0' },
  { name: 'gptq', grid: integer(4, 32, true), layout: 'gptq', dtype: 'F16', type: 'Q4_0' },
  { name: 'gptq of 8 bits', grid: integer(8, null, true), layout: 'gptq', dtype: 'F16', type: 'Q8_0' },
  { name: 'gptq_v2, asymmetric', grid: integer(8, 32, false), layout: 'gptq_v2', dtype: 'F16', type: 'F16' },
  { name: 'gptq in groups of 16', grid: integer(4, 16, true), layout: 'gptq', dtype: 'F16', type: 'F16' },
  { name: 'awq', grid: integer(4, 128, true), layout: 'awq', dtype: 'F16', type: 'Q4_0' },
  { name: 'awq, asymmetric', grid: integer(4, 32, false), layout: 'awq', dtype: 'F16', type: 'F16' },
  {
    name: 'packed, asymmetric',
    grid: integer(4, 32, false),
    layout: 'compressed-tensors',
    dtype: 'F16',
    type: 'F16',
  },
  {
    name: 'packed, long scales',
    grid: integer(4, 32, true),
    layout: 'compressed-tensors',
    dtype: 'F32',
    type: 'F16',
  },
  { name: 'fp8 per row', grid: fp8(1, null), layout: 'compressed-tensors', dtype: 'BF16', type: 'F16' },
  { name: 'fp8 per tensor', grid: fp8(null, null), layout: 'compressed-tensors', dtype: 'F32', type: 'F16' },
  { name: 'fp8 in blocks', grid: fp8(128, 128), layout: 'compressed-tensors', dtype: 'F32', type: 'F16' },
  { name: 'nvfp4', grid: { kind: 'nvfp4' }, layout: 'compressed-tensors', dtype: 'F32', type: 'F16' },
];

const made = new Map<string, Promise<string>>();

/** Made once, whichever test asks first. */
function once(name: string, make: () => Promise<string>): Promise<string> {
  const known = made.get(name) ?? make();
  made.set(name, known);
  return known;
}

/** The sample, quantized. */
function modelOf(name: string): Promise<string> {
  return once(name, async () => {
    const folder = folders.find((one) => one.name === name);
    if (folder === undefined) throw new Error(`there is no ${name}`);
    const { grid, layout, dtype } = folder;
    const model = join(work, name);
    const activations = grid.kind === 'fp8' ? 'dynamic' : 'none';
    await quantizeWeights(
      { from: sample, to: model, scheme: { grid, layout, activations }, scaleDtype: dtype },
      { ...scope, executable: locateWeights() },
    );
    return model;
  });
}

const checkpointOf = (name: string) => once(`${name} checkpoint`, async () => convert(await modelOf(name)));

const toolchain = () => createLlamaCpp({ llamaLibraries: null, threads: 1, home: work });

async function convert(model: string): Promise<string> {
  const out = `${model} checkpoint`;
  await mkdir(out, { recursive: true });
  await toolchain().convertCheckpoint({ modelFolder: model, out, parameters: { type: 'f16' } }, scope);
  return out;
}

async function build(checkpointFolder: string, type: string) {
  const out = `${checkpointFolder} ${type}`;
  await mkdir(out);
  return toolchain().buildEngine({ checkpointFolder, adapters: [], out, parameters: { type } }, scope);
}

async function partsOf(model: string, module: string): Promise<StoredParts> {
  const { tensors } = await openWeights(model);
  const parts = new Map<string, Uint8Array>();
  for (const { name, file, offset, bytes } of tensors)
    if (name.startsWith(`${module}.`))
      parts.set(name.slice(module.length + 1), await bytesAt(file, offset, bytes));
  return parts;
}

async function shapeOf(module: string): Promise<{ rows: number; columns: number }> {
  const { tensors } = await openWeights(sample);
  const [rows = 0, columns = 0] = tensors.find(({ name }) => name === `${module}.weight`)?.shape ?? [];
  return { rows, columns };
}

/** What independent readers make of a linear. */
async function expected(
  model: string,
  module: string,
  { grid, layout, dtype }: Folder,
): Promise<Float64Array> {
  const linear = { ...(await shapeOf(module)), parts: await partsOf(model, module) };
  if (grid.kind === 'fp8') return dequantizeFp8({ ...linear, grid }, dtype);
  if (grid.kind === 'nvfp4') return dequantizeNvfp4(linear);
  const read = dequantizers[layout];
  if (read === undefined) throw new Error(`nobody reads ${layout}`);
  return read({ ...linear, grid, scaleDtype: dtype });
}

const linears = [
  ['model.layers.2.mlp.down_proj', 'blk.2.ffn_down.weight', 0],
  ['model.layers.1.self_attn.q_proj', 'blk.1.attn_q.weight', 32],
] as const;

describe.each(folders)('a folder stored as $name', (folder) => {
  const { type } = folder;

  it(`becomes a checkpoint of ${type} that says the same`, async () => {
    const model = await modelOf(folder.name);
    const checkpoint = await checkpointOf(folder.name);

    for (const [module, name, headRows] of linears) {
      const found = await ggufTensor(checkpoint, name);
      const { columns } = await shapeOf(module);
      const weights = await expected(model, module, folder);
      // As floats they are rounded to single precision and then to half, as every other tensor of a checkpoint.
      const rounded = type === 'F16' ? weights.map((value) => roundTo('F16', Math.fround(value))) : weights;
      const inPlace = rounded.map((_, index) => {
        const row = sourceRow(Math.floor(index / columns), headRows);
        return rounded[row * columns + (index % columns)] ?? Number.NaN;
      });
      const values = readValues(found.type, found.bytes);
      expect(found.type).toBe(type);
      expect(values.findIndex((value, index) => value !== inPlace[index])).toBe(-1);
      expect(values).toHaveLength(weights.length);
    }
  });

  it('is told by inspect', async () => {
    const { quantization, notices } = await inspectWeights(await modelOf(folder.name));

    const { grid } = folder;
    expect(notices).toEqual([]);
    expect(quantization).toMatchObject({
      weights: grid.kind === 'integer' ? `int${grid.bits}` : grid.kind,
      block: grid.kind === 'fp8' ? grid.block : [1, grid.kind === 'nvfp4' ? 16 : grid.group],
      linears: 42,
    });
  });
});

it('becomes the same checkpoint whether engines of the folder round activations too or not', async () => {
  const model = join(work, 'rounds activations');
  const scheme = {
    grid: integer(8, null, true),
    layout: 'compressed-tensors',
    activations: 'dynamic',
  } as const;
  await quantizeWeights(
    { from: sample, to: model, scheme, scaleDtype: 'F16' },
    { ...scope, executable: locateWeights() },
  );

  const [found, expected] = [await convert(model), await checkpointOf('bytes')].map((folder) =>
    readFile(join(folder, 'model.gguf')),
  );
  expect((await found)?.equals((await expected) ?? Buffer.alloc(0))).toBe(true);
});

describe('an engine', () => {
  it.each([
    ['gptq', 'AS_IS', { q4_0: 42, f16: 2 }],
    // Blocks are no end: whatever else was asked for is made from what they hold.
    ['gptq', 'F16', { f16: 44 }],
    ['awq', 'Q8_0', { q8_0: 44 }],
    ['gptq_v2, asymmetric', 'F16', { f16: 44 }],
    ['fp8 in blocks', 'Q4_0', {}],
    ['nvfp4', 'F16', { f16: 44 }],
  ])('is built from %s as %s', async (name, type, types) => {
    await expect(build(await checkpointOf(name), type)).resolves.toMatchObject({ type, types });
  });

  it('is not passed off as holding the codes when these had to become floats', async () => {
    await expect(build(await checkpointOf('nvfp4'), 'AS_IS')).rejects.toMatchObject({
      name: 'EngineInvalid',
      message: expect.stringContaining('fit the blocks of llama.cpp'),
    });
  });
});

/** A copy of a folder in which the bytes of some tensors are changed in place. */
async function changed(name: string, ending: string, change: (bytes: Buffer) => void): Promise<string> {
  const from = await modelOf(name);
  const model = join(work, `changed ${randomUUID()}`);
  await cp(from, model, { recursive: true });
  const { tensors } = await openWeights(model);
  for (const { file, offset, bytes } of tensors.filter((tensor) => tensor.name.endsWith(ending))) {
    const values = await bytesAt(file, offset, bytes);
    change(values);
    await using handle = await open(file, 'r+');
    await handle.write(values, 0, bytes, offset);
  }
  return model;
}

describe('columns whose groups are in another order', () => {
  /** The gptq folder with each column's group given by another one. */
  function regrouped(other: (group: number, groups: number) => number): Promise<string> {
    return changed('gptq', '.g_idx', (index) => {
      const columns = index.length / 4;
      for (let column = 0; column < columns; column += 1)
        index.writeInt32LE(other(Math.floor(column / 32), columns / 32), column * 4);
    });
  }

  it('are followed, and the linear becomes floats', async () => {
    const model = await regrouped((group, groups) => groups - 1 - group);
    const checkpoint = await convert(model);

    const [module, name] = linears[0];
    const { type, bytes } = await ggufTensor(checkpoint, name);
    const { rows, columns } = await shapeOf(module);
    const parts = await partsOf(model, module);
    // Scales in the order of the columns again: what a reader without an index expects.
    const scales = Buffer.from(parts.get('scales') ?? []);
    const lines = Array.from({ length: columns / 32 }, (_, group) =>
      scales.subarray(group * rows * 2, (group + 1) * rows * 2),
    );
    const turned = new Map([...parts, ['scales', Buffer.concat(lines.toReversed())]]);
    const grid = integer(4, 32, true);
    const weights = dequantizers['gptq']?.({ rows, columns, grid, parts: turned, scaleDtype: 'F16' });
    expect(type).toBe('F16');
    expect(readValues(type, bytes)).toEqual(Array.from(weights ?? [], (value) => roundTo('F16', value)));
  });

  it.each([-1, 4096])('are WeightsCorrupt when a group is %d', async (wrong) => {
    const model = await regrouped((group) => (group === 1 ? wrong : group));

    await expect(convert(model)).rejects.toMatchObject({
      name: 'WeightsCorrupt',
      message: expect.stringContaining(`has a column in group ${wrong} of`),
    });
  });
});

describe('codes that stand for no number of a checkpoint', () => {
  it.each([
    ['nvfp4', '.weight_global_scale', 0, 'WeightsCorrupt', 'no finite numbers'],
    ['fp8 per tensor', '.weight_scale', Number.NaN, 'WeightsCorrupt', 'no finite numbers'],
    ['fp8 per tensor', '.weight_scale', 1e30, 'WeightsUnsupported', 'beyond the range of F16'],
  ])('are refused: %s with a %s of %d', async (name, ending, value, failure, says) => {
    const model = await changed(name, ending, (bytes) => bytes.writeFloatLE(value, 0));

    await expect(convert(model)).rejects.toMatchObject({
      name: failure,
      message: expect.stringContaining(says),
    });
  });
});
