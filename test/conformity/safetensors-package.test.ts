import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { SafeTensor } from 'safetensors';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { convertWeights } from '../../system/weights/convert-weights.ts';
import { digestManifest } from '../../system/weights/digest-weights.ts';
import { mergeAdapters } from '../../system/weights/merge-adapters.ts';
import { openWeights } from '../../system/weights/open-weights.ts';
import { quantizeWeights } from '../../system/weights/quantize-weights.ts';

const sample = join(import.meta.dirname, '../../examples/sample');
const model = join(sample, 'sample-llama');
const goldens = join(import.meta.dirname, '../fixtures/goldens/torch');
const scope = { signal: new AbortController().signal, onProgress: () => undefined };
const grid = { kind: 'integer', bits: 4, group: 32, symmetric: true, convention: 'centred' } as const;
const scheme = { grid, layout: 'compressed-tensors', activations: 'none' } as const;

let work: string;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'safetensors-package-'));
});
afterAll(() => rm(work, { recursive: true, force: true }));

/**
 * The package from npm as a second reader. It takes every member of the header for a tensor, so the one that is none is
 * blanked out with spaces, which moves nothing.
 */
async function readByPackage(file: string): Promise<SafeTensor> {
  const bytes = new Uint8Array(await readFile(file));
  const headerBytes = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const header = Buffer.from(bytes.buffer, 8, headerBytes);
  const member = /"__metadata__":\{[^}]*\},?/.exec(header.toString('latin1'));
  if (member !== null) header.fill(' ', member.index, member.index + member[0].length);
  return new SafeTensor(bytes);
}

/** The digest of every tensor as the package finds it, beside our own reader's through the native program. */
async function readBothWays(path: string) {
  const { files } = await openWeights(path);
  const [theirs, ours] = [new Map<string, string>(), new Map<string, string>()];
  for (const file of files) {
    const other = await readByPackage(file.path);
    const { tensors } = await digestManifest(
      file.tensors.filter(({ aliasOf }) => aliasOf === undefined),
      scope,
    );
    for (const [name, { sha256 }] of tensors) {
      ours.set(name, sha256);
      theirs.set(name, createHash('sha256').update(other.getTensor(name)).digest('hex'));
    }
  }
  return { theirs, ours, files: files.map((file) => basename(file.path)) };
}

describe('the safetensors package from npm reads', () => {
  it.each([
    [
      'a converted model',
      57,
      async (to: string) => {
        await convertWeights({ from: model, to: `${to}-bin`, format: 'bin' }, scope);
        await convertWeights({ from: `${to}-bin`, to, format: 'safetensors' }, scope);
      },
    ],
    [
      'a model divided anew',
      57,
      (to: string) => convertWeights({ from: model, to, format: 'safetensors', maxShardBytes: 3e6 }, scope),
    ],
    [
      'a merged model',
      57,
      (to: string) =>
        mergeAdapters(
          {
            base: model,
            adapters: [{ folder: join(sample, 'lora-summarise'), weight: 1 }],
            out: to,
            rounding: 'peft-default',
          },
          scope,
        ),
    ],
    ['a quantized model', 141, (to: string) => quantizeWeights({ from: model, to, scheme }, scope)],
  ])('%s: the bytes that we read ourselves', async (what, count, write) => {
    const to = join(work, what.replaceAll(' ', '-'));
    await write(to);

    const { theirs, ours } = await readBothWays(to);

    expect(theirs).toEqual(ours);
    expect(theirs.size).toBe(count);
  });

  it('every dtype, as torch wrote it', async () => {
    const from = join(goldens, 'torch-2.11-dtypes-zip.bin');
    const to = join(work, 'dtypes.safetensors');
    await convertWeights({ from, to, format: 'safetensors' }, scope);
    const facts = JSON.parse(await readFile(join(goldens, 'torch-2.11.json'), 'utf8')) as {
      files: { [file: string]: { tensors: { [name: string]: { sha256: string } } } };
    };
    const expected = Object.entries(facts.files[basename(from)]?.tensors ?? {});

    const other = await readByPackage(to);

    expect(expected).toHaveLength(40);
    for (const [name, { sha256 }] of expected)
      expect([name, createHash('sha256').update(other.getTensor(name)).digest('hex')]).toEqual([
        name,
        sha256,
      ]);
  });
});
