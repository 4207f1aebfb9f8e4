import { cp, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareWeights } from '../../system/weights/compare-weights.ts';
import { convertWeights } from '../../system/weights/convert-weights.ts';
import { mergeAdapters } from '../../system/weights/merge-adapters.ts';
import { quantizeWeights } from '../../system/weights/quantize-weights.ts';

const sample = join(import.meta.dirname, '../../examples/sample');
const model = join(sample, 'sample-llama');
const scope = { signal: new AbortController().signal, onProgress: () => undefined };
const scheme = {
  grid: { kind: 'integer', bits: 8, group: null, symmetric: true, convention: 'centred' },
  layout: 'compressed-tensors',
  activations: 'none',
} as const;

let work: string;
/** Both formats in shards, each with its index. */
let both: string;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'weights-both-'));
  both = join(work, 'both');
  await convertWeights({ from: model, to: both, format: 'bin' }, scope);
  await cp(model, both, { recursive: true });
});
afterAll(() => rm(work, { recursive: true, force: true }));

const weightsIn = async (folder: string) =>
  (await readdir(folder)).filter((name) => /\.(?:safetensors|bin)(?:$|\.index\.json$)/.test(name));

const names = {
  safetensors: [
    'model-00001-of-00002.safetensors',
    'model-00002-of-00002.safetensors',
    'model.safetensors.index.json',
  ],
  bin: [
    'pytorch_model-00001-of-00002.bin',
    'pytorch_model-00002-of-00002.bin',
    'pytorch_model.bin.index.json',
  ],
};

describe('a folder that holds its weights in both formats', () => {
  it('has both before', async () => {
    expect(await weightsIn(both)).toEqual([...names.safetensors, ...names.bin]);
  });

  it.each(['bin', 'safetensors'] as const)(
    'leaves nothing of the other format when it is converted to %s',
    async (format) => {
      const to = join(work, `to-${format}`);

      await convertWeights({ from: both, to, format }, scope);

      expect(await weightsIn(to)).toEqual(names[format]);
      expect(await compareWeights(to, model, scope)).toMatchObject({ equal: true });
    },
  );

  it('leaves nothing of the other format when it is merged or quantized', async () => {
    const [merged, plain, quantized] = [join(work, 'merged'), join(work, 'plain'), join(work, 'quantized')];
    const adapters = [{ folder: join(sample, 'lora-glossary'), weight: 1 }];

    await mergeAdapters({ base: both, adapters, out: merged, rounding: 'once' }, scope);
    await mergeAdapters({ base: model, adapters, out: plain, rounding: 'once' }, scope);
    await quantizeWeights({ from: both, to: quantized, scheme }, scope);

    expect(await weightsIn(merged)).toEqual(names.safetensors);
    expect(await compareWeights(merged, plain, scope)).toMatchObject({ equal: true });
    expect(await weightsIn(quantized)).toEqual(names.safetensors);
  });

  it('is read as loaders read it: the other format is not looked at', async () => {
    const half = join(work, 'half');
    await cp(both, half, { recursive: true });
    for (const name of names.bin) await writeFile(join(half, name), 'not weights');

    expect(await compareWeights(half, model, scope)).toMatchObject({ equal: true });
  });

  it('is refused with a companion that is a link to nothing', async () => {
    const broken = join(work, 'broken');
    await cp(both, broken, { recursive: true });
    await symlink('nowhere', join(broken, 'tokenizer.model'));

    const converting = convertWeights({ from: broken, to: join(work, 'never'), format: 'bin' }, scope);

    await expect(converting).rejects.toMatchObject({
      name: 'WeightsMissing',
      message: expect.stringContaining('tokenizer.model'),
    });
  });
});
