import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fp8Grid, Grid, IntegerGrid, Nvfp4Grid } from '../../../core/domain/quantize-pieces.ts';
import { dequantizers, type StoredParts } from '../../fixtures/weights/dequantize.ts';
import { dequantizeFp8, dequantizeNvfp4 } from '../../fixtures/weights/dequantize-floats.ts';
import { type Form, type Matrix, matricesOf, storeLinear } from '../../fixtures/weights/store-linear.ts';

let work: string;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'quantize-floats-'));
});
afterAll(() => rm(work, { recursive: true, force: true }));

const fp8Grids = [
  ['tensor', { kind: 'fp8', block: [null, null] }],
  ['row', { kind: 'fp8', block: [1, null] }],
  ['block of 128 × 128', { kind: 'fp8', block: [128, 128] }],
] as const satisfies readonly (readonly [string, Fp8Grid])[];
const nvfp4: Nvfp4Grid = { kind: 'nvfp4' };
const formOf = (grid: Grid, scaleDtype: Form['scaleDtype']): Form => ({
  grid,
  layout: 'compressed-tensors',
  scaleDtype,
});

// Nothing so small that it has no normal scale.
const weight = fc
  .float({ noNaN: true, min: -8, max: 8 })
  .map((value) => (Math.abs(value) < 2 ** -60 ? 0 : value));
const shape = { rows: [4, 130], columns: [128, 256] };
const matrices = matricesOf(shape, weight, [0, -20, -40]);

/** The largest magnitude among the weights that have a key in common, by the place of one of them. */
function largestBy({ values, columns }: Matrix, keyOf: (row: number, column: number) => string) {
  const found = new Map<string, number>();
  for (const [index, value] of values.entries()) {
    const key = keyOf(Math.floor(index / columns), index % columns);
    found.set(key, Math.max(found.get(key) ?? 0, Math.abs(value)));
  }
  return (row: number, column: number): number => found.get(keyOf(row, column)) ?? 0;
}

/** Of what was read: values that are further away from their weights than allowed, each with its index. */
function outsideOf(
  { values, columns }: Matrix,
  read: Float64Array,
  allowed: (row: number, column: number, weight: number) => number,
): (readonly [index: number, stored: number])[] {
  return [...read.entries()].filter(([index, stored]) => {
    const value = values[index] ?? Number.NaN;
    return !(Math.abs(stored - value) <= allowed(Math.floor(index / columns), index % columns, value));
  });
}

describe.each(fp8Grids)('FP8 weights with a scale for each %s', (_, grid) => {
  const [down, along] = grid.block;
  const keyOf = (row: number, column: number) =>
    `${down === null ? 0 : Math.floor(row / down)},${along === null ? 0 : Math.floor(column / along)}`;

  it('are no further away than half of an e4m3 step', async () => {
    await fc.assert(
      fc.asyncProperty(matrices, fc.constantFrom('F32', 'BF16'), async (matrix, scaleDtype) => {
        const parts = await storeLinear(matrix, formOf(grid, scaleDtype), work);

        const largest = largestBy(matrix, keyOf);
        // BF16 scales may be wider by half of their last place.
        const scale = (row: number, column: number) => (largest(row, column) / 448) * (1 + 2 ** -9);
        // Four bits of a number, and steps of 2^-9 below 2^-6.
        const outside = outsideOf(
          matrix,
          dequantizeFp8({ ...matrix, grid, parts }, scaleDtype),
          (row, column, value) =>
            Math.max(Math.abs(value) * 2 ** -4, scale(row, column) * 2 ** -10) * (1 + 1e-5),
        );
        expect(outside).toEqual([]);
      }),
      { numRuns: 10 },
    );
  });
});

describe('NVFP4 weights', () => {
  it('are no further away than half of an e2m1 step, and what the scale of their group was rounded by', async () => {
    await fc.assert(
      fc.asyncProperty(matrices, async (matrix) => {
        const parts = await storeLinear(matrix, formOf(nvfp4, 'F32'), work);

        const ofTensor = largestBy(matrix, () => '')(0, 0);
        const ofGroup = largestBy(matrix, (row, column) => `${row},${Math.floor(column / 16)}`);
        // Half of the least e4m3 step, in units of the weights.
        const least = (2 ** -10 * ofTensor) / 2688;
        const step = (row: number, column: number) => (ofGroup(row, column) / 6) * (1 + 2 ** -4) + least;
        // Steps are half up to 2, 1 to 4, 2 to 6: a quarter of a step, or a fifth of the weight; a group whose scale was
        // rounded down far below 1 is cut at 6 times that.
        const outside = outsideOf(
          matrix,
          dequantizeNvfp4({ ...matrix, parts }),
          (row, column, value) =>
            Math.max(Math.abs(value) / 5, step(row, column) / 4, 6 * least) * (1 + 1e-5),
        );
        expect(outside).toEqual([]);
      }),
      { numRuns: 10 },
    );
  });
});

describe('a matrix of what codes stand for', () => {
  const integers = fc.record<IntegerGrid>({
    kind: fc.constant('integer'),
    bits: fc.constantFrom(4, 8),
    group: fc.constantFrom(null, 16),
    symmetric: fc.constant(true),
    // The one in which the largest magnitude has a code of its own, so that it gives the same scale again.
    convention: fc.constant('restricted'),
  });
  const grids = fc.oneof(integers, fc.constantFrom(...fp8Grids.map(([, grid]) => grid)));
  // Magnitudes that leave every scale of a group a normal number.
  const sizes = fc.oneof(
    { weight: 1, arbitrary: fc.constant(0) },
    { weight: 9, arbitrary: fc.float({ noNaN: true, min: 0.5, max: 8 }) },
    { weight: 9, arbitrary: fc.float({ noNaN: true, min: -8, max: -0.5 }) },
  );

  const read = (matrix: Matrix, grid: Grid, parts: StoredParts): Matrix => {
    const values =
      grid.kind === 'integer'
        ? dequantizers['compressed-tensors']?.({ ...matrix, grid, parts, scaleDtype: 'BF16' })
        : grid.kind === 'fp8'
          ? dequantizeFp8({ ...matrix, grid, parts }, 'BF16')
          : dequantizeNvfp4({ ...matrix, parts });
    return { ...matrix, values: [...(values ?? [])] };
  };

  it('becomes the same codes and scales again', async () => {
    await fc.assert(
      fc.asyncProperty(matricesOf(shape, sizes, [0, -20]), grids, async (matrix, grid) => {
        const first = await storeLinear(matrix, formOf(grid, 'BF16'), work);
        const second = await storeLinear(read(matrix, grid, first), formOf(grid, 'BF16'), work);

        expect(second).toEqual(first);
      }),
      { numRuns: 20 },
    );
  });

  it('becomes the same codes and scales again as NVFP4, but for the last place of the tensor’s scale', async () => {
    await fc.assert(
      fc.asyncProperty(matricesOf(shape, sizes, [0, -20]), async (matrix) => {
        const first = await storeLinear(matrix, formOf(nvfp4, 'F32'), work);
        const second = await storeLinear(read(matrix, nvfp4, first), formOf(nvfp4, 'F32'), work);

        expect(second.get('weight_packed')).toEqual(first.get('weight_packed'));
        expect(second.get('weight_scale')).toEqual(first.get('weight_scale'));
        const scales = [first, second].map((parts) =>
          Buffer.from(parts.get('weight_global_scale') ?? []).readFloatLE(),
        );
        expect(Math.abs((scales[0] ?? 0) / (scales[1] ?? 0) - 1)).toBeLessThan(1e-6);
      }),
      { numRuns: 10 },
    );
  });
});
