import { copyFile, cp, mkdtemp, open, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checksOf } from '../../core/formats/input-checks.ts';
import { compareWeights } from '../../system/weights/compare-weights.ts';
import { convertWeights } from '../../system/weights/convert-weights.ts';
import { mergeAdapters } from '../../system/weights/merge-adapters.ts';
import { openWeights } from '../../system/weights/open-weights.ts';
import { quantizeWeights } from '../../system/weights/quantize-weights.ts';
import { verifyChecks } from '../../system/weights/verify-checks.ts';

const sample = join(import.meta.dirname, '../../examples/sample');
const torchFixtures = join(import.meta.dirname, '../fixtures/torch');
const scope = { signal: new AbortController().signal, onProgress: () => undefined };
const scheme = {
  grid: { kind: 'integer', bits: 8, group: null, symmetric: true, convention: 'centred' },
  layout: 'compressed-tensors',
  activations: 'none',
} as const;

let work: string;
let model: string;
let adapter: string;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'weights-checksums-'));
  model = join(work, 'model');
  adapter = join(work, 'adapter');
  await convertWeights({ from: join(sample, 'sample-llama'), to: model, format: 'bin' }, scope);
  await convertWeights({ from: join(sample, 'lora-glossary'), to: adapter, format: 'bin' }, scope);
});
afterAll(() => rm(work, { recursive: true, force: true }));

async function turnBit(file: string, offset: number): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, offset);
    await handle.write(Buffer.of((buffer[0] ?? 0) ^ 0x10), 0, 1, offset);
  } finally {
    await handle.close();
  }
}

/** A copy of a folder of `.bin` with one bit of a tensor turned. */
async function damaged(folder: string, name: string): Promise<{ path: string; record: string }> {
  const path = await mkdtemp(join(work, 'damaged-'));
  await cp(folder, path, { recursive: true });
  const { tensors } = await openWeights(path, { prefer: 'adapter' });
  const tensor = tensors.find((one) => one.name.endsWith(name));
  if (tensor === undefined) throw new Error(`${folder} has no ${name}`);
  await turnBit(tensor.file, tensor.offset + Math.floor(tensor.bytes / 2));
  return { path, record: tensor.check?.name ?? '' };
}

const corrupt = (record: string) => ({ name: 'WeightsCorrupt', message: expect.stringContaining(record) });

describe('a turned bit in a storage of a .bin', () => {
  it.each(['layers.0.self_attn.q_proj.weight', 'layers.3.mlp.down_proj.weight', 'model.norm.weight'])(
    'ends every verb that reads %s, and leaves no output',
    async (name) => {
      const { path, record } = await damaged(model, name);
      const out = join(work, 'out');
      const request = { adapters: [{ folder: adapter, weight: 1 }], out, rounding: 'once' } as const;

      await expect(
        convertWeights({ from: path, to: out, format: 'safetensors' }, scope),
      ).rejects.toMatchObject(corrupt(record));
      await expect(convertWeights({ from: path, to: out, format: 'bin' }, scope)).rejects.toMatchObject(
        corrupt(record),
      );
      await expect(mergeAdapters({ base: path, ...request }, scope)).rejects.toMatchObject(corrupt(record));
      await expect(quantizeWeights({ from: path, to: out, scheme }, scope)).rejects.toMatchObject(
        corrupt(record),
      );
      await expect(compareWeights(path, model, scope)).rejects.toMatchObject(corrupt(record));
      const { tensors } = await openWeights(path);
      await expect(verifyChecks(tensors, scope.signal)).rejects.toMatchObject(corrupt(record));

      expect((await readdir(work)).filter((entry) => entry.startsWith('out'))).toEqual([]);
    },
  );

  it('ends a merge when the adapter has it', async () => {
    const { path, record } = await damaged(adapter, 'lora_B.weight');
    const request = { base: model, adapters: [{ folder: path, weight: 1 }], out: join(work, 'out') };

    await expect(mergeAdapters({ ...request, rounding: 'once' }, scope)).rejects.toMatchObject(
      corrupt(record),
    );
  });

  it('lets undamaged files pass all of them', async () => {
    const { tensors } = await openWeights(model);
    const request = { base: model, adapters: [{ folder: adapter, weight: 1 }], out: join(work, 'merged') };

    await mergeAdapters({ ...request, rounding: 'once' }, scope);
    await quantizeWeights({ from: model, to: join(work, 'quantized'), scheme }, scope);
    await verifyChecks(tensors, scope.signal);

    expect(checksOf(tensors)).toHaveLength(57);
    expect(await compareWeights(model, join(sample, 'sample-llama'), scope)).toMatchObject({ equal: true });
  });
});

describe('files that torch itself wrote', () => {
  it('reads views, and sees a turned bit that none of them shows', async () => {
    const file = join(work, 'views.bin');
    await copyFile(join(torchFixtures, 'zip.bin'), file);
    const { tensors } = await openWeights(file);
    const [check] = checksOf(tensors);
    if (check === undefined) throw new Error('torch gave no checksum');
    const read = { from: file, to: join(work, 'views.safetensors'), format: 'safetensors' } as const;

    await convertWeights(read, scope);
    await turnBit(file, check.offset + check.bytes - 1);

    await expect(convertWeights(read, scope)).rejects.toMatchObject(corrupt(check.name));
  });
});
