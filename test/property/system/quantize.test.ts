import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isBuildFailure } from '../../../core/domain/failures.ts';
import type { IntegerGrid } from '../../../core/domain/quantize-pieces.ts';
import { quantizedFormats } from '../../../core/formats/quantized/formats.ts';
import type { QuantizedLayout } from '../../../core/formats/quantized/scheme.ts';
import { specBytes } from '../../../core/formats/spec-bytes.ts';
import { dequantizers } from '../../fixtures/weights/dequantize.ts';
import { linearOf, type Matrix, matricesOf, storeLinear } from '../../fixtures/weights/store-linear.ts';

const layouts = [
  'compressed-tensors',
  'gptq',
  'gptq_v2',
  'awq',
] as const satisfies readonly QuantizedLayout[];

let work: string;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'quantize-property-'));
});
afterAll(() => rm(work, { recursive: true, force: true }));

const grids = fc.record<IntegerGrid>({
  kind: fc.constant('integer'),
  bits: fc.constantFrom(4, 8),
  group: fc.constantFrom(null, 8, 16),
  symmetric: fc.boolean(),
  convention: fc.constantFrom('full', 'restricted', 'centred'),
});
// Down to where a float32 scale of theirs has no bits left.
const matrices = matricesOf(
  { rows: [8, 24], columns: [16, 48] },
  fc.float({ noNaN: true, min: -8, max: 8 }),
  [0, 0, -20, -40, -120, -145],
);

function canHold(layout: QuantizedLayout, grid: IntegerGrid): boolean {
  if (layout === 'awq') return grid.bits === 4;
  return layout !== 'gptq' || grid.symmetric;
}

/** A scale is off by half of the least float at most; what it is multiplied with is no more than 255. */
const leastStep = 255 * 2 ** -150;

/** Halves of a step, and a whole one where the largest magnitude has no code of its own. */
function allowedSteps({ symmetric, convention }: IntegerGrid): number {
  return symmetric && convention === 'full' ? 1 : 0.5;
}

/** The step of the group that a weight belongs to, from the values themselves. */
function stepAt({ values, columns }: Matrix, grid: IntegerGrid, index: number): number {
  const start = grid.group === null ? index - (index % columns) : index - ((index % columns) % grid.group);
  const group = values.slice(start, start + (grid.group ?? columns));
  if (!grid.symmetric) return (Math.max(0, ...group) - Math.min(0, ...group)) / (2 ** grid.bits - 1);
  const half = 2 ** (grid.bits - 1);
  const divisor = { full: half, restricted: half - 1, centred: half - 0.5 }[grid.convention];
  return Math.max(...group.map(Math.abs)) / divisor;
}

describe('integer weights', () => {
  it('are never further away than half a step, and mean the same in every layout that holds them', async () => {
    await fc.assert(
      fc.asyncProperty(matrices, grids, async (matrix, grid) => {
        const fitting = layouts.filter((layout) => canHold(layout, grid));
        const read = [];
        for (const layout of fitting) {
          const parts = await storeLinear(matrix, { grid, layout, scaleDtype: 'F32' }, work);
          read.push(dequantizers[layout]?.({ ...matrix, grid, parts }));
        }

        const [first = new Float64Array()] = read;
        for (const other of read) expect(other).toEqual(first);
        for (const [index, weight] of first.entries()) {
          // Zero points are rounded too, which costs another half step; float32 rounds the scale and its product with a code.
          const steps = allowedSteps(grid) + (grid.symmetric ? 0 : 0.5);
          const allowed = steps * stepAt(matrix, grid, index) * (1 + 2 ** -13) + leastStep;
          expect(Math.abs(weight - (matrix.values[index] ?? Number.NaN))).toBeLessThanOrEqual(allowed);
        }
      }),
      { numRuns: 25 },
    );
  });
});

describe('the plan of a linear', () => {
  it('fits its shape to the byte or is QuantizationUnfit, for any shape', () => {
    const size = fc.integer({ min: 1, max: 300 });
    fc.assert(
      fc.property(size, size, grids, fc.constantFrom(...layouts), (rows, columns, grid, layout) => {
        fc.pre(canHold(layout, grid));

        const outcome = codeBytes({ rows, columns }, grid, layout);

        const fitsAll = rows % 8 === 0 && columns % 16 === 0;
        expect(fitsAll ? [] : ['QuantizationUnfit']).toEqual(
          expect.arrayContaining([outcome].filter(isName)),
        );
        expect(
          [outcome].filter((bytes) => !isName(bytes) && bytes !== (rows * columns * grid.bits) / 8),
        ).toEqual([]);
      }),
    );
  });
});

const isName = (outcome: string | number): outcome is string => typeof outcome === 'string';

/** Bytes of the stored codes, or the name of the failure. */
function codeBytes(
  shape: Pick<Matrix, 'rows' | 'columns'>,
  grid: IntegerGrid,
  layout: QuantizedLayout,
): number | string {
  try {
    const [codes] = quantizedFormats[layout].parts(linearOf(shape, '/m.safetensors', 'F32'), {
      grid,
      layout,
      activations: 'none',
    });
    return codes === undefined ? 0 : specBytes(codes);
  } catch (error) {
    if (isBuildFailure(error)) return error.name;
    throw error;
  }
}
