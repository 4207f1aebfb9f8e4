import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareWeights } from '../../system/weights/compare-weights.ts';
import { convertWeights } from '../../system/weights/convert-weights.ts';
import { digestManifest } from '../../system/weights/digest-weights.ts';
import { openWeights } from '../../system/weights/open-weights.ts';
import { callCli } from '../fixtures/call-cli.ts';
import { failureOf, safetensorsFile } from '../fixtures/weights/memory-source.ts';

const sample = join(import.meta.dirname, '../../examples/sample');
const model = join(sample, 'sample-llama');
const torchFixtures = join(import.meta.dirname, '../fixtures/torch');
const scope = { signal: new AbortController().signal, onProgress: () => undefined };
const rootOf = async (path: string) => (await digestManifest((await openWeights(path)).tensors, scope)).root;

let work: string;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'weights-compare-'));
});
afterAll(() => rm(work, { recursive: true, force: true }));

/** One float32 tensor of these bits. */
async function floats(name: string, ...bits: number[]): Promise<string> {
  const header = `{"w":{"dtype":"F32","shape":[${bits.length}],"data_offsets":[0,${4 * bits.length}]}}`;
  const file = safetensorsFile(header, 4 * bits.length);
  const view = new DataView(file.buffer, file.byteOffset + file.length - 4 * bits.length);
  for (const [index, word] of bits.entries()) view.setUint32(4 * index, word, true);
  const path = join(work, name);
  await writeFile(path, file);
  return path;
}

const [one, zero, minusZero, nan, otherNan] = [0x3f800000, 0, 0x80000000, 0x7fc00000, 0x7fc00001];

describe('comparing weights', () => {
  it('tells what differs, both ways', async () => {
    const differences = async (a: string, b: string) =>
      (await compareWeights(join(torchFixtures, a), join(torchFixtures, b), scope)).differences;
    const found = await differences('zip.bin', 'other.bin');

    expect(found).toContainEqual({ tensor: 'f16', reason: 'dtype F16 and F32' });
    expect(found).toContainEqual({ tensor: 'i32', reason: 'shape [2] and [2, 1]' });
    expect(found).toContainEqual({
      tensor: 'u8',
      reason: 'the bytes differ',
      items: 2,
      different: 1,
      maxAbs: null,
    });
    expect(found).toContainEqual({ tensor: 'extra', reason: 'only in the second' });
    expect(found).toContainEqual({
      tensor: 'bf16',
      reason: 'only in the first, where it shares the bytes of tied',
    });
    expect(found.map(({ tensor }) => tensor)).not.toContain('f32');
    expect(await differences('other.bin', 'zip.bin')).toContainEqual({
      tensor: 'extra',
      reason: 'only in the first',
    });
  });

  it('goes by bits: NaN equals itself, −0 is not 0, and one NaN is not another', async () => {
    const [a, b] = [
      await floats('a.safetensors', nan, zero, one),
      await floats('b.safetensors', nan, zero, one),
    ];
    const signed = await floats('signed.safetensors', nan, minusZero, one);
    const other = await floats('other.safetensors', otherNan, zero, 0x40000000);

    expect(await compareWeights(a, b, scope)).toMatchObject({ equal: true });
    expect((await compareWeights(a, signed, scope)).differences).toMatchObject([
      { items: 3, different: 1, maxAbs: 0 },
    ]);
    expect((await compareWeights(a, other, scope)).differences).toMatchObject([
      { items: 3, different: 2, maxAbs: 1 },
    ]);
  });

  it('takes a name that is only recorded as the tensor it shares, and says so', async () => {
    const [tied, safe] = [join(work, 'tied'), join(work, 'tied-safe')];
    await mkdir(tied);
    await cp(join(torchFixtures, 'tied.bin'), join(tied, 'pytorch_model.bin'));
    await writeFile(join(tied, 'config.json'), '{"tie_word_embeddings": true}');
    await convertWeights({ from: tied, to: safe, format: 'safetensors' }, scope);

    for (const pair of [
      [tied, safe],
      [safe, tied],
    ] as const) {
      const { equal, tensors, notices } = await compareWeights(...pair, scope);

      expect({ equal, tensors }).toEqual({ equal: true, tensors: 2 });
      expect(notices).toEqual([
        'tied-safe: lm_head.weight is recorded as another name of model.embed_tokens.weight',
      ]);
    }
  });

  it('tells of a shared name that the other side lacks without a record', async () => {
    const header = '{"model.embed_tokens.weight":{"dtype":"F16","shape":[1],"data_offsets":[0,2]}}';
    await writeFile(join(work, 'unrecorded.safetensors'), safetensorsFile(header, 2));

    const { differences } = await compareWeights(
      join(work, 'unrecorded.safetensors'),
      join(torchFixtures, 'tied.bin'),
      scope,
    );

    expect(differences).toContainEqual({
      tensor: 'lm_head.weight',
      reason: 'only in the second, where it shares the bytes of model.embed_tokens.weight',
    });
  });
});

describe('the root of a set of weights', () => {
  it('is one for bin, safetensors, one file and many, and another when a bit changes', async () => {
    const [bin, whole, many] = [join(work, 'bin'), join(work, 'whole'), join(work, 'many')];
    await convertWeights({ from: model, to: bin, format: 'bin' }, scope);
    await convertWeights({ from: bin, to: whole, format: 'safetensors', maxShardBytes: 1e9 }, scope);
    await convertWeights({ from: whole, to: many, format: 'bin', maxShardBytes: 2e6 }, scope);
    const root = await rootOf(model);

    expect([await rootOf(bin), await rootOf(whole), await rootOf(many)]).toEqual([root, root, root]);
    expect(await compareWeights(whole, many, scope)).toMatchObject({ equal: true, tensors: 57, root });

    const file = join(whole, 'model.safetensors');
    const bytes = await readFile(file);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    await writeFile(file, bytes);
    expect(await rootOf(whole)).not.toBe(root);
    expect(await compareWeights(whole, many, scope)).toMatchObject({ equal: false, root: null });
  });
});

describe('the command line', () => {
  it('keeps digests in a file that stands for the weights, and answers by its exit code', async () => {
    const digests = await callCli(['inspect', model, '--digests', '--json']);
    const manifest = join(work, 'tensors.digest.json');
    await writeFile(manifest, digests.stdout);
    const adapter = join(sample, 'lora-glossary');

    const [same, other] = [
      await callCli(['compare', model, manifest, '--json']),
      await callCli(['compare', manifest, adapter, '--json']),
    ];

    expect([same.code, other.code]).toEqual([0, 1]);
    const { root } = JSON.parse(digests.stdout) as { root: string };
    expect(JSON.parse(same.stdout)).toMatchObject({ equal: true, tensors: 57, root });
    expect(JSON.parse(other.stdout)).toMatchObject({ equal: false, tensors: 0 });
  });

  it('refuses a manifest whose lines were changed', async () => {
    const manifest = join(work, 'changed.json');
    const { stdout } = await callCli(['inspect', model, '--digests', '--json']);
    await writeFile(
      manifest,
      stdout.replace('"BF16"', '"F16"').replace('"F16"', '"BF16"').replace('[', '[2,'),
    );

    expect(await failureOf(compareWeights(model, manifest, scope))).toContain('the root is not that of its');
  });

  it('looks inside a training checkpoint by the key it is told', async () => {
    const checkpoint = join(torchFixtures, 'checkpoint.bin');
    const inside = join(work, 'inside.safetensors');
    await convertWeights({ from: checkpoint, to: inside, format: 'safetensors', root: 'state_dict' }, scope);

    expect(await failureOf(compareWeights(checkpoint, inside, scope))).toContain('deeper');
    expect(await compareWeights({ path: checkpoint, root: 'state_dict' }, inside, scope)).toMatchObject({
      equal: true,
    });
    const both = ['compare', checkpoint, checkpoint, '--root', 'state_dict'];
    expect(await callCli(both)).toMatchObject({ code: 0 });
    const plain = join(work, 'plain.bin');
    await convertWeights({ from: inside, to: plain, format: 'bin' }, scope);
    expect(
      await callCli(['compare', checkpoint, plain, '--root', 'state_dict', '--root-b', '']),
    ).toMatchObject({ code: 0 });
  });
});
