import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EffectScope } from '../../../../core/domain/progress.ts';
import type { FloatDtype, MatrixRange, MergePiece } from '../../../../core/domain/weights-plan.ts';
import { mergeWeights } from '../../../../system/native-cli/run-weights.ts';
import { encode, roundTo } from './float-reference.ts';

interface Matrix {
  readonly range: MatrixRange;
  readonly at: (row: number, column: number) => number;
}

interface Adapter {
  readonly a: Matrix;
  readonly b: Matrix;
  readonly scale: number;
  readonly transpose?: boolean;
}

let folder: string;
let made: number;
const scope: EffectScope = { signal: new AbortController().signal, onProgress: () => undefined };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'enginewright-native-'));
  made = 0;
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Values that repeat for a seed (mulberry32), uniform in -1…1. */
function randomValues(count: number, seed: number): number[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 31 - 1;
  });
}

async function matrix(dtype: FloatDtype, rows: number, columns: number, turned = false): Promise<Matrix> {
  made += 1;
  const values = randomValues(rows * columns, made).map((value) => roundTo(dtype, value));
  const file = join(folder, `matrix-${made}`);
  await writeFile(file, Buffer.concat([Buffer.alloc(5), encode(dtype, values)]));
  const range = { file, offset: 5, dtype, rows, columns };
  const [rowStride, columnStride] = turned ? [1, rows] : [columns, 1];
  return {
    range: turned ? { ...range, strides: [rowStride, columnStride] } : range,
    at: (row, column) => values[row * rowStride + column * columnStride] ?? Number.NaN,
  };
}

function deltaOf({ a, b, scale, transpose }: Adapter, row: number, column: number): number {
  const [i, j] = transpose === true ? [column, row] : [row, column];
  let sum = 0;
  for (let k = 0; k < a.range.rows; k++) sum += b.at(i, k) * a.at(k, j);
  return scale * sum;
}

type Rounding = MergePiece['rounding'];

function mergedAt(
  start: number,
  deltas: readonly number[],
  { dtype, rounding }: { dtype: FloatDtype; rounding: Rounding },
) {
  if (rounding === 'once') return roundTo(dtype, start + deltas.reduce((sum, delta) => sum + delta, 0));
  const each = rounding === 'peft-safe' ? deltas.map((delta) => roundTo(dtype, delta)) : deltas;
  return each.reduce((value, delta) => roundTo(dtype, value + delta), start);
}

async function merge(piece: Omit<MergePiece, 'kind' | 'name'>): Promise<Buffer> {
  const items = { F64: 8, F32: 4, F16: 2, BF16: 2 }[piece.dtype];
  const bytes = piece.base.rows * piece.base.columns * items;
  const path = join(folder, 'out');
  const pieces = [{ ...piece, kind: 'merge', name: 'layer.weight' } as const];
  await mergeWeights({ version: 1, outputs: [{ path, bytes, pieces }] }, scope);
  return readFile(path);
}

const roundings: readonly Rounding[] = ['peft-default', 'peft-safe', 'once'];
const dtypes: readonly FloatDtype[] = ['F64', 'F32', 'F16', 'BF16'];

describe('mergeWeights', () => {
  it.each(dtypes.flatMap((dtype) => roundings.map((rounding) => ({ dtype, rounding }))))(
    'gives the bits of a float64 computation for $dtype, $rounding',
    async ({ dtype, rounding }) => {
      const base = await matrix(dtype, 13, 29);
      const adapters: Adapter[] = [
        { a: await matrix('F32', 4, 29), b: await matrix('F32', 13, 4), scale: 2 / 3 },
        { a: await matrix('BF16', 3, 13, true), b: await matrix('F16', 29, 3), scale: -0.3, transpose: true },
      ];

      const changes = adapters.map(({ a, b, ...rest }) => ({
        kind: 'low-rank' as const,
        ...rest,
        a: a.range,
        b: b.range,
      }));
      const merged = await merge({ base: base.range, dtype, changes, rounding });

      const expected = Array.from({ length: 13 * 29 }, (_, index) => {
        const [row, column] = [Math.floor(index / 29), index % 29];
        const parts = adapters.map((adapter) => deltaOf(adapter, row, column));
        return mergedAt(base.at(row, column), parts, { dtype, rounding });
      });
      expect(merged.equals(encode(dtype, expected))).toBe(true);
    },
  );

  it('tells the roundings apart', async () => {
    const base = await matrix('BF16', 40, 40);
    const a = await matrix('F32', 8, 40);
    const b = await matrix('F32', 40, 8);
    const delta = { kind: 'low-rank' as const, a: a.range, b: b.range, scale: 0.1 };

    const results = [];
    for (const rounding of roundings) {
      results.push(
        (await merge({ base: base.range, dtype: 'BF16', changes: [delta, delta], rounding })).toString('hex'),
      );
    }

    expect(new Set(results).size).toBe(3);
  });

  it('names the tensor and the element that overflows, and leaves nothing', async () => {
    const base = await matrix('F16', 4, 4);
    const a = await matrix('F32', 2, 4);
    const b = await matrix('F32', 4, 2);
    const before = await readdir(folder);

    const overflowing = merge({
      base: base.range,
      dtype: 'F16',
      changes: [{ kind: 'low-rank', a: a.range, b: b.range, scale: 1e9 }],
      rounding: 'once',
    });

    await expect(overflowing).rejects.toMatchObject({
      name: 'MergeNotFinite',
      message: expect.stringMatching(
        /^merging "layer\.weight" gives -?\S+, more than F16 can hold at \[0, 0\]$/,
      ),
      details: { tensor: 'layer.weight', exitCode: 65 },
    });
    expect(await readdir(folder)).toEqual(before);
  });

  it('refuses a base that is not finite', async () => {
    const base = await matrix('F32', 2, 2);
    const file = Buffer.from(await readFile(base.range.file));
    file.writeFloatLE(Number.NaN, 5 + 12);
    await writeFile(base.range.file, file);

    await expect(merge({ base: base.range, dtype: 'F32', changes: [], rounding: 'once' })).rejects.toThrow(
      'merging "layer.weight" gives nan at [1, 1]',
    );
  });

  it('rounds a matrix without adapters to another dtype', async () => {
    const base = await matrix('F32', 3, 50);

    const cast = await merge({ base: base.range, dtype: 'F16', changes: [], rounding: 'peft-default' });

    const expected = Array.from({ length: 150 }, (_, index) =>
      roundTo('F16', base.at(Math.floor(index / 50), index % 50)),
    );
    expect(cast.equals(encode('F16', expected))).toBe(true);
  });
});
