import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LinearGroup, SolveMethod, SolvePlan } from '../../core/domain/solve-plan.ts';
import { locateWeights } from '../../system/native-cli/locate.ts';
import { solveLinears } from '../../system/native-cli/run-weights.ts';

const [rows, columns] = [4, 8];
const scope = { signal: new AbortController().signal, onProgress: () => undefined };
const executable = locateWeights(process.env['ENGINEWRIGHT_WEIGHTS']);

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'solver-limits-'));
});
afterEach(() => rm(folder, { recursive: true }));

interface Sizes {
  readonly weight: number;
  readonly norm?: number;
  /** Of each column's sum of squares, its mean and its largest. */
  readonly activation?: number;
}

/** Writes inputs of which every number is of one size, and a plan for them. */
async function planFor({ weight, norm = 1, activation = 1 }: Sizes, method: SolveMethod): Promise<SolvePlan> {
  const files = {
    weights: Float32Array.from({ length: rows * columns }, (_, at) => (at % 2 === 0 ? weight : -weight)),
    norm: new Float32Array(columns).fill(norm),
    statistics: Float64Array.from({ length: columns * (columns + 2) }, (_, at) =>
      at >= columns ** 2 || at % (columns + 1) === 0 ? activation : 0,
    ),
  };
  for (const [name, { buffer }] of Object.entries(files))
    await writeFile(join(folder, name), new Uint8Array(buffer));
  const fold: LinearGroup['fold'] = {
    kind: 'vector',
    vector: { file: join(folder, 'norm'), offset: 0, dtype: 'F32', rows: 1, columns },
    to: rows * (columns + 4),
  };
  return {
    version: 1,
    output: {
      path: join(folder, 'solved'),
      bytes: rows * (columns + 4) + (method.kind === 'gptq' ? 0 : columns * 4),
      header: '',
    },
    grid: { kind: 'integer', bits: 4, group: null, symmetric: true, convention: 'centred' },
    scaleDtype: 'F16',
    method,
    groups: [
      {
        statistics: {
          file: join(folder, 'statistics'),
          columns,
          gram: 0,
          meanAbs: columns ** 2 * 8,
          amax: columns * (columns + 1) * 8,
        },
        linears: [
          {
            name: 'model.up',
            weights: { file: join(folder, 'weights'), offset: 0, dtype: 'F32', rows, columns },
            codes: 0,
            scales: rows * columns,
            zeros: null,
            clip: true,
          },
        ],
        fold: method.kind === 'gptq' ? null : fold,
      },
    ],
  };
}

describe.each<[string, SolveMethod]>([
  ['gptq', { kind: 'gptq', damp: 0.01, order: 'activation' }],
  ['awq', { kind: 'awq' }],
  ['smoothquant', { kind: 'smoothquant', alpha: 0.5 }],
])('%s', (_kind, method) => {
  it('solves what fits', async () => {
    const { outputs } = await solveLinears(await planFor({ weight: 0.3 }, method), scope, executable);

    expect(outputs).toMatchObject([{ name: 'model.up' }]);
  });

  it.each<[string, Sizes]>([
    ['a scale that F16 cannot hold', { weight: 2e12 }],
    ['errors that float64 cannot hold', { weight: 0.3, activation: 1e308 }],
    ['codes that stand for more than a float32', { weight: 3.4e38 }],
  ])('is MergeNotFinite and names the linear, and leaves no file, for %s', async (_case, sizes) => {
    const plan = await planFor(sizes, method);

    await expect(solveLinears(plan, scope, executable)).rejects.toMatchObject({
      name: 'MergeNotFinite',
      message: expect.stringContaining('model.up'),
    });

    expect((await readdir(folder)).toSorted()).toEqual(['norm', 'statistics', 'weights']);
  });
});

it('is MergeNotFinite for a norm that leaves its range', async () => {
  const plan = await planFor({ weight: 1e30, norm: 1e38 }, { kind: 'smoothquant', alpha: 0.5 });

  await expect(solveLinears(plan, scope, executable)).rejects.toMatchObject({
    name: 'MergeNotFinite',
    message: expect.stringContaining('the norm before model.up'),
  });
});
