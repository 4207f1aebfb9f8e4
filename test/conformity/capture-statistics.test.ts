import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../system/package-root.ts';
import { createLlamaCpp } from '../../system/toolchains/llama-cpp/toolchain.ts';
import { statisticsFile } from '../../system/weights/statistics-file.ts';
import { openWeights } from '../../system/weights/open-weights.ts';

const sample = join(packageRoot(), 'examples', 'sample');
const modelFolder = join(sample, 'sample-llama');
const scope = { signal: new AbortController().signal, onProgress: () => undefined };

interface Oracle {
  readonly tokens: number;
  readonly modules: {
    readonly [module: string]: { trace: number; row: number[]; meanAbs: number[]; amax: number[] };
  };
}

/** Largest relative difference of each statistic; `row` against the size of what was summed, for its sums cancel. */
interface Bounds {
  readonly amax: number;
  readonly meanAbs: number;
  readonly row: number;
  readonly trace: number;
}

/**
 * Before any attention there is only the embedding (exact) and a norm in binary32, u = 2⁻²⁴: half the error of a sum of 256
 * squares (9u by pairs), a root and two products are 8u, in each of the two programs. Sums of products have it twice.
 */
const behindNorm: Bounds = { amax: 2 ** -20, meanAbs: 2 ** -20, row: 2 ** -19, trace: 2 ** -19 };

/**
 * llama.cpp keeps keys and values in binary16 and rounds queries and shares to it: 2⁻¹¹ each. A share moves by as much as
 * its score does. The largest score of these texts is 39.6, a sum of 32 products with 2⁻¹⁰ each: together that could be 4 %,
 * but their roundings are independent, which leaves 39.6 · 2⁻¹⁰ / √(3 · 32) = 2⁻⁸ for a single value. Of a mean over a
 * thousand tokens what they share remains, a value's and a share's own rounding: 2⁻¹⁰; twice that of products, and of a
 * trace a sixteenth of that again, because 256 columns are rounded each for itself. Later layers add errors of this kind;
 * what was seen is a third of these bounds at most.
 */
const behindAttention: Bounds = { amax: 2 ** -8, meanAbs: 2 ** -10, row: 2 ** -9, trace: 2 ** -13 };

describe('statistics captured through llama.cpp', () => {
  let folder: string;
  let oracle: Oracle;
  let facts: { readonly [fact: string]: unknown };
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'enginewright-capture-'));
    const golden = join(packageRoot(), 'test', 'fixtures', 'goldens', 'statistics', 'oracle.json');
    oracle = JSON.parse(await readFile(golden, 'utf8')) as Oracle;
    const lines = (await readFile(join(sample, 'data', 'calibration.jsonl'), 'utf8')).split('\n').slice(0, 4);
    const texts = lines.map((line) => (JSON.parse(line) as { text: string }).text);
    const toolchain = createLlamaCpp({ llamaLibraries: null, threads: 1, home: folder });
    await toolchain.convertCheckpoint({ modelFolder, out: folder, parameters: { type: 'f32' } }, scope);
    const request = { checkpointFolder: folder, modelFolder, out: folder, window: 512, windows: 4, seed: 1 };
    facts =
      (await toolchain.captureStatistics?.({ ...request, source: { kind: 'texts', texts } }, scope)) ?? {};
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function read(name: string): Promise<Float64Array> {
    const { tensors } = await openWeights(join(folder, statisticsFile));
    const tensor = tensors.find((one) => one.name === name);
    const file = await readFile(join(folder, statisticsFile));
    const bytes = file.subarray(tensor?.offset, (tensor?.offset ?? 0) + (tensor?.bytes ?? 0));
    return new Float64Array(Uint8Array.from(bytes).buffer);
  }

  const oracleOf = (module: string): Oracle['modules'][string] => {
    const found = oracle.modules[module];
    if (found === undefined) throw new Error(`the oracle has no ${module}`);
    return found;
  };

  it('cover every token, and inputs that are shared only once', () => {
    // Per layer: q, k and v; o; gate and up; down.
    expect(facts).toEqual({ tokens: oracle.tokens, windows: 4, inputs: 6 * 4 });
  });

  it.each([
    ['model.layers.0.self_attn.q_proj', behindNorm],
    ['model.layers.2.self_attn.o_proj', behindAttention],
    ['model.layers.3.mlp.gate_proj', behindAttention],
    ['model.layers.5.mlp.down_proj', behindAttention],
  ] as const)('of %s are those of an independent forward pass', async (module, bounds) => {
    const { trace, row, meanAbs, amax } = oracleOf(module);
    const gram = await read(`${module}.gram`);
    const columns = Math.sqrt(gram.length);
    const diagonal = gram.filter((_, index) => index % (columns + 1) === 0);

    const sizes = row.map((_, index) => Math.sqrt(at(diagonal, 3) * at(diagonal, index)));
    const found = {
      amax: largest(relative(await read(`${module}.amax`), amax, amax)),
      meanAbs: largest(relative(await read(`${module}.mean_abs`), meanAbs, meanAbs)),
      row: largest(relative(gram.subarray(3 * columns), row, sizes)),
      trace: largest(relative([diagonal.reduce((sum, value) => sum + value, 0)], [trace], [trace])),
    };
    for (const statistic of ['amax', 'meanAbs', 'row', 'trace'] as const)
      expect({ statistic, isNear: found[statistic] <= bounds[statistic], found }).toMatchObject({
        isNear: true,
      });
  });

  it('have a symmetric Gram matrix', async () => {
    const gram = await read('model.layers.3.mlp.gate_proj.gram');
    const columns = Math.sqrt(gram.length);

    expect(gram[5 * columns + 9]).toBe(gram[9 * columns + 5]);
    expect(columns).toBe(256);
  });
});

function at(values: ArrayLike<number>, index: number): number {
  return values[index] ?? Number.NaN;
}

/** How far the first values are from the expected ones, in parts of `sizes`. */
function relative(found: ArrayLike<number>, expected: readonly number[], sizes: readonly number[]): number[] {
  return expected.map((value, index) => Math.abs(at(found, index) - value) / at(sizes, index));
}

function largest(values: readonly number[]): number {
  return Math.max(...values);
}
