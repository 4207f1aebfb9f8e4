import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { halfToSingle, singleOfBits } from '../../core/formats/gguf/float-bits.ts';
import { packageRoot } from '../../system/package-root.ts';
import { locateWeights } from '../../system/native-cli/locate.ts';
import { createLlamaCpp } from '../../system/toolchains/llama-cpp/toolchain.ts';
import { readGgufFile } from '../../system/toolchains/llama-cpp/read-gguf-file.ts';
import { openWeights } from '../../system/weights/open-weights.ts';
import { quantizeWeights } from '../../system/weights/quantize-weights.ts';
import { dequantizers } from '../fixtures/weights/dequantize.ts';

const modelFolder = join(packageRoot(), 'examples', 'sample', 'sample-llama');
const scope = { signal: new AbortController().signal, onProgress: () => undefined };

async function bytesAt(file: string, offset: number, bytes: number): Promise<Buffer> {
  await using handle = await open(file);
  const { buffer } = await handle.read(Buffer.alloc(bytes), 0, bytes, offset);
  return buffer;
}

/** ggml's own reading of its blocks (`dequantize_row_q4_0`, `dequantize_row_q8_0`). */
function readBlocks(bytes: Buffer, bits: 4 | 8): number[] {
  const size = bits === 4 ? 18 : 34;
  const values: number[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    const scale = singleOfBits(halfToSingle(bytes.readUInt16LE(at)));
    const codes = Array.from({ length: 32 }, (_, index) => {
      if (bits === 8) return bytes.readInt8(at + 2 + index);
      const byte = bytes.readUInt8(at + 2 + (index % 16));
      return (index < 16 ? byte & 0xf : byte >> 4) - 8;
    });
    values.push(...codes.map((code) => scale * code));
  }
  return values;
}

describe.each([
  { bits: 4, group: 32 },
  { bits: 4, group: 128 },
  { bits: 8, group: null },
] as const)('a checkpoint of $bits bit codes in groups of $group', ({ bits, group }) => {
  let folder: string;
  const grid = { kind: 'integer', bits, group, symmetric: true, convention: 'centred' } as const;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'enginewright-gguf-'));
    const scheme = { grid, layout: 'compressed-tensors', activations: 'none' } as const;
    const request = { from: modelFolder, to: join(folder, 'model'), scheme, scaleDtype: 'F16' } as const;
    await quantizeWeights(request, { ...scope, executable: locateWeights() });
    const toolchain = createLlamaCpp({ llamaLibraries: null, threads: 1, home: folder });
    const conversion = { modelFolder: request.to, out: folder, parameters: { type: 'f16' } };
    await toolchain.convertCheckpoint(conversion, scope);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each([
    ['model.layers.2.mlp.down_proj', 'blk.2.ffn_down.weight', 0],
    // Rows of queries change places within each head of 32.
    ['model.layers.1.self_attn.q_proj', 'blk.1.attn_q.weight', 32],
  ])('holds %s as it was quantized, nothing rounded again', async (module, name, headRows) => {
    const linear = await readLinear(join(folder, 'model'), module);
    const expected = dequantizers['compressed-tensors']?.({ ...linear, grid }) ?? new Float64Array();
    const { type, bytes } = await readGgufTensor(join(folder, 'model.gguf'), name);
    const found = readBlocks(bytes, bits);
    const inPlace = found.map((_, index) => {
      const row = sourceRow(Math.floor(index / linear.columns), headRows);
      return expected[row * linear.columns + (index % linear.columns)];
    });

    expect(type).toBe(bits === 4 ? 'Q4_0' : 'Q8_0');
    expect(found.findIndex((value, index) => value !== inPlace[index])).toBe(-1);
    expect(found).toHaveLength(expected.length);
  });
});

it('is the same whether engines of the folder round activations too or not', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'enginewright-gguf-'));
  try {
    const grid = { kind: 'integer', bits: 8, group: null, symmetric: true, convention: 'centred' } as const;
    const toolchain = createLlamaCpp({ llamaLibraries: null, threads: 1, home: folder });
    const written: Buffer[] = [];
    for (const activations of ['none', 'dynamic'] as const) {
      const scheme = { grid, layout: 'compressed-tensors', activations } as const;
      const request = {
        from: modelFolder,
        to: join(folder, activations),
        scheme,
        scaleDtype: 'F16',
      } as const;
      await quantizeWeights(request, { ...scope, executable: locateWeights() });
      const conversion = { modelFolder: request.to, out: folder, parameters: { type: 'f16' } };
      await toolchain.convertCheckpoint(conversion, scope);
      written.push(await readFile(join(folder, 'model.gguf')));
    }

    expect(written[0]?.equals(written[1] ?? Buffer.alloc(0))).toBe(true);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

async function readLinear(folder: string, module: string) {
  const { tensors } = await openWeights(folder);
  const own = tensors.filter(({ name }) => name.startsWith(`${module}.`));
  const parts = new Map<string, Uint8Array>();
  for (const { name, file, offset, bytes } of own)
    parts.set(name.slice(module.length + 1), await bytesAt(file, offset, bytes));
  const source = await openWeights(modelFolder);
  const shape = source.tensors.find(({ name }) => name === `${module}.weight`)?.shape;
  const [rows = 0, columns = 0] = shape ?? [];
  return { rows, columns, parts: withFloatScales(parts) };
}

async function readGgufTensor(file: string, name: string) {
  const { tensors } = await readGgufFile(file);
  const tensor = tensors.find((one) => one.name === name);
  if (tensor === undefined) throw new Error(`there is no ${name}`);
  return { type: tensor.type, bytes: await bytesAt(file, tensor.offset, tensor.bytes) };
}

/** The independent reader takes scales as F32. */
function withFloatScales(parts: ReadonlyMap<string, Uint8Array>): ReadonlyMap<string, Uint8Array> {
  const halves = parts.get('weight_scale') ?? new Uint8Array();
  const view = new DataView(halves.buffer, halves.byteOffset, halves.byteLength);
  const floats = Float32Array.from({ length: halves.length / 2 }, (_, index) =>
    singleOfBits(halfToSingle(view.getUint16(index * 2, true))),
  );
  return new Map([...parts, ['weight_scale', new Uint8Array(floats.buffer)]]);
}

function sourceRow(row: number, headRows: number): number {
  if (headRows === 0) return row;
  const head = Math.floor(row / headRows) * headRows;
  const inHead = row - head;
  return head + (inHead % 2) * (headRows / 2) + Math.floor(inHead / 2);
}
