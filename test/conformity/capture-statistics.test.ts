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
    'model.layers.0.self_attn.q_proj',
    'model.layers.2.self_attn.o_proj',
    'model.layers.3.mlp.gate_proj',
    'model.layers.5.mlp.down_proj',
  ])('of %s are those of an independent forward pass', async (module) => {
    const { trace, row, meanAbs, amax } = oracleOf(module);
    const gram = await read(`${module}.gram`);
    const columns = Math.sqrt(gram.length);
    const diagonal = gram.filter((_, index) => index % (columns + 1) === 0);

    expect(diagonal.reduce((sum, value) => sum + value, 0) / trace).toBeCloseTo(1, 3);
    // Off the diagonal sums cancel: against the size of what was summed.
    const sizes = row.map((_, index) => Math.sqrt(at(diagonal, 3) * at(diagonal, index)));
    expect(row.map((value, index) => (at(gram, 3 * columns + index) - value) / at(sizes, index))).toEqual(
      row.map(() => expect.closeTo(0, 2)),
    );
    expect(ratios(await read(`${module}.mean_abs`), meanAbs)).toEqual(
      meanAbs.map(() => expect.closeTo(1, 2)),
    );
    expect(ratios(await read(`${module}.amax`), amax)).toEqual(amax.map(() => expect.closeTo(1, 1)));
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

function ratios(found: ArrayLike<number>, expected: readonly number[]): number[] {
  return expected.map((value, index) => at(found, index) / value);
}
