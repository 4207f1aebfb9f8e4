import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FloatDtype, MatrixRange, MergeChange, MergePiece } from '../../../core/domain/weights-plan.ts';
import { mergeWeights } from '../../../system/native-cli/run-weights.ts';
import { bytesOf, toBytes } from '../../fixtures/weights/carry-out-plan.ts';

const roundings = ['peft-default', 'peft-safe', 'once'] as const;
const scope = { signal: new AbortController().signal, onProgress: () => undefined };

let folder: string;
let made = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'merge-changes-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Repeats for its number (xorshift32), uniform in -1…1. */
function valuesFor(seed: number, count: number): Float64Array {
  let state = seed * 2_654_435_761;
  return Float64Array.from({ length: count }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 31 - 1;
  });
}

async function matrix(dtype: FloatDtype, rows: number, columns: number): Promise<MatrixRange> {
  made += 1;
  const file = join(folder, `matrix-${made}`);
  await writeFile(file, toBytes(valuesFor(made, rows * columns), dtype));
  return { file, offset: 0, dtype, rows, columns };
}

async function merge(piece: Omit<MergePiece, 'kind' | 'name'>): Promise<[ours: Buffer, reference: Buffer]> {
  const full: MergePiece = { kind: 'merge', name: 'w', ...piece };
  const reference = Buffer.from(bytesOf(full));
  made += 1;
  const path = join(folder, `out-${made}`);
  await mergeWeights({ version: 1, outputs: [{ path, bytes: reference.length, pieces: [full] }] }, scope);
  return [await readFile(path), reference];
}

async function lowRank(
  rows: number,
  columns: number,
  transpose: boolean,
): Promise<MergeChange & { kind: 'low-rank' }> {
  const [out, into] = transpose ? [columns, rows] : [rows, columns];
  const [a, b] = [await matrix('F32', 3, into), await matrix('F32', out, 3)];
  return { kind: 'low-rank', a, b, scale: 0.25, ...(transpose ? { transpose } : {}) };
}

async function dora(rows: number, columns: number, transpose: boolean): Promise<MergeChange> {
  const change = await lowRank(rows, columns, transpose);
  return { ...change, magnitude: await matrix('F32', 1, change.b.rows) };
}

/** Share of bytes that differ. Sums of squares are added in another order here, which may turn a value beside a tie. */
function differing([ours, reference]: readonly [Buffer, Buffer]): number {
  if (ours.length !== reference.length) return 1;
  return ours.filter((byte, at) => byte !== reference[at]).length / ours.length;
}

describe.each(roundings)('with rounding %s', (rounding) => {
  it.each([
    ['rows', false],
    ['columns', true],
  ])('DoRA rescales %s of base and delta together', async (_, transpose) => {
    const base = await matrix('BF16', 23, 31);
    const changes = [
      await lowRank(23, 31, false),
      await dora(23, 31, transpose),
      await lowRank(23, 31, true),
    ];

    expect(differing(await merge({ base, dtype: 'BF16', changes, rounding }))).toBeLessThan(1e-5);
  });

  it('rows are replaced where they stand in the order of changes', async () => {
    const base = await matrix('F16', 9, 7);
    const rows: MergeChange = { kind: 'rows', source: await matrix('F32', 2, 7), rows: [8, 3] };
    const delta = await lowRank(9, 7, false);

    for (const changes of [[delta, rows], [rows, delta], [rows]])
      expect(differing(await merge({ base, dtype: 'F16', changes, rounding }))).toBeLessThan(1e-5);
  });

  it('a matrix is added with its scale, and a delta may be rounded first in every mode', async () => {
    const base = await matrix('BF16', 1, 40);
    const changes: MergeChange[] = [
      { kind: 'add', matrix: await matrix('F32', 1, 40), scale: -1.5 },
      { ...(await lowRank(1, 40, true)), roundsDelta: true },
    ];

    expect(differing(await merge({ base, dtype: 'BF16', changes, rounding }))).toBeLessThan(1e-5);
  });
});

describe('matrices of many blocks', () => {
  it('are rescaled, replaced and averaged as small ones are', async () => {
    const [rows, columns] = [1100, 1030];
    const base = await matrix('BF16', rows, columns);
    const changes: MergeChange[] = [
      await dora(rows, columns, true),
      { kind: 'rows', source: await matrix('F32', 2, columns), rows: [1099, 600] },
      await dora(rows, columns, false),
    ];

    expect(
      differing(await merge({ base, dtype: 'BF16', changes, rounding: 'peft-default', meanRows: 3 })),
    ).toBeLessThan(1e-5);
  });
});

describe('a plan whose shapes do not fit', () => {
  it.each([
    ['magnitude', async () => ({ ...(await lowRank(4, 6, false)), magnitude: await matrix('F32', 1, 6) })],
    ['added matrix', async () => ({ kind: 'add' as const, matrix: await matrix('F32', 6, 4), scale: 1 })],
    ['row twice', async () => ({ kind: 'rows' as const, source: await matrix('F32', 2, 6), rows: [1, 1] })],
    ['row outside', async () => ({ kind: 'rows' as const, source: await matrix('F32', 1, 6), rows: [4] })],
  ])('is refused: %s', async (_, change) => {
    const base = await matrix('F32', 4, 6);
    const piece: MergePiece = {
      kind: 'merge',
      base,
      dtype: 'F32',
      changes: [await change()],
      rounding: 'once',
    };
    const output = { path: join(folder, 'never'), bytes: 96, pieces: [piece] };

    await expect(mergeWeights({ version: 1, outputs: [output] }, scope)).rejects.toMatchObject({
      name: 'InternalError',
    });
  });

  it('a row of zeros has no direction that DoRA could keep, and is named', async () => {
    const zeros = await matrix('F32', 3, 5);
    await writeFile(zeros.file, Buffer.alloc(60));
    const change = { ...(await dora(3, 5, false)), scale: 0 };
    const piece: MergePiece = {
      kind: 'merge',
      name: 'w',
      base: zeros,
      dtype: 'F32',
      changes: [change],
      rounding: 'once',
    };
    const output = { path: join(folder, 'never'), bytes: 60, pieces: [piece] };

    await expect(mergeWeights({ version: 1, outputs: [output] }, scope)).rejects.toMatchObject({
      name: 'MergeNotFinite',
    });
  });
});
