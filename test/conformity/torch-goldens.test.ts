import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { convertWeights } from '../../system/weights/convert-weights.ts';
import { digestManifest } from '../../system/weights/digest-weights.ts';
import { openWeights } from '../../system/weights/open-weights.ts';
import { failureOf } from '../fixtures/weights/memory-source.ts';

/** What tools/goldens/make-torch-goldens.py wrote down about the files torch made for it. */
interface Goldens {
  readonly torch: string;
  readonly files: {
    readonly [file: string]: {
      readonly root: string | null;
      readonly tensors: { readonly [name: string]: { dtype: string; shape: number[]; sha256: string } };
    };
  };
  readonly refused: { readonly [file: string]: string };
}

const folder = join(import.meta.dirname, '../fixtures/goldens/torch');
const scope = { signal: new AbortController().signal, onProgress: () => undefined };
const readGoldens = async (name: string): Promise<Goldens> =>
  JSON.parse(await readFile(join(folder, name), 'utf8')) as Goldens;
const releases = [await readGoldens('torch-1.13.json'), await readGoldens('torch-2.11.json')];
const files = releases.flatMap((goldens) => Object.entries(goldens.files));

let work: string;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'torch-goldens-'));
});
afterAll(() => rm(work, { recursive: true, force: true }));

const rootChoice = (root: string | null) => (root === null ? {} : { root });

describe('files that torch itself saved', () => {
  it.each(files)('%s holds the tensors that torch says it does', async (name, { root, tensors }) => {
    const opened = await openWeights(join(folder, name), rootChoice(root));
    const manifest = await digestManifest(opened.tensors, scope);

    expect(Object.fromEntries(manifest.tensors)).toEqual(tensors);
  });

  it.each(files)('%s keeps them as safetensors and as bin again', async (name, { root, tensors }) => {
    const [safe, bin] = [join(work, `${name}.safetensors`), join(work, `${name}.again.bin`)];

    await convertWeights(
      { from: join(folder, name), to: safe, format: 'safetensors', ...rootChoice(root) },
      scope,
    );
    await convertWeights({ from: safe, to: bin, format: 'bin' }, scope);

    for (const path of [safe, bin]) {
      const manifest = await digestManifest((await openWeights(path)).tensors, scope);
      expect(Object.fromEntries(manifest.tensors)).toEqual(tensors);
    }
  });

  it('share one storage between names of one Parameter, and remember it', async () => {
    for (const name of ['torch-1.13-parameters-zip.bin', 'torch-2.11-parameters-legacy.bin']) {
      const { tensors } = await openWeights(join(folder, name));

      expect(tensors.find((tensor) => tensor.name === 'again')?.aliasOf).toBe('parameter');
    }
  });

  it('name their state dicts when they keep them deeper', async () => {
    const from = join(folder, 'torch-2.11-checkpoint-zip.bin');
    const roots = { details: expect.objectContaining({ roots: ['model/state_dict'] }) as unknown };

    await expect(openWeights(from)).rejects.toMatchObject({ name: 'WeightsUnsupported', ...roots });
    await expect(openWeights(from, { root: 'model' })).rejects.toMatchObject(roots);
    await expect(openWeights(from, { root: 'modle' })).rejects.toMatchObject({
      ...roots,
      hint: 'Name the key of the state dict with --root, perhaps --root model/state_dict.',
    });
  });

  const refused = releases.flatMap((goldens) => Object.entries(goldens.refused));
  it.each(refused)('%s is refused by name', async (name, words) => {
    const failure = await failureOf(openWeights(join(folder, name)));

    expect(failure).toMatch(/^WeightsUnsupported: /);
    expect(failure).toContain(words);
  });
});
