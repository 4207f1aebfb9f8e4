import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fp8Grid, IntegerGrid } from '../../../core/domain/quantize-pieces.ts';
import { quantizedFormats } from '../../../core/formats/quantized/formats.ts';
import type { QuantizedLayout } from '../../../core/formats/quantized/scheme.ts';
import { sortSolvedTensors } from '../../../core/formats/quantized/solved-tensors.ts';
import { openWeights } from '../../../system/weights/open-weights.ts';
import { writeTensors } from '../../fixtures/weights/formula-model.ts';
import { type ReadLinear, readLinears } from '../../fixtures/weights/read-linears.ts';
import { roundToFp8, roundToIntegers, roundToNvfp4 } from '../../fixtures/weights/round-to-grid.ts';
import {
  type Form,
  type Matrix,
  matricesOf,
  storedFile,
  storeLinear,
} from '../../fixtures/weights/store-linear.ts';

let work: string;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'read-quantized-'));
});
afterAll(() => rm(work, { recursive: true, force: true }));

// No group of zeros, and none so small that its scale is not a normal number of every dtype: those have rules of their own.
const weight = fc
  .float({ noNaN: true, min: -8, max: 8 })
  .map((value) => (Math.abs(value) < 2 ** -4 ? Math.fround(value + (value < 0 ? -1 : 1)) : value));
const matrices = matricesOf({ rows: [8, 24], columns: [128, 256] }, weight, [0, -5]);

/** What our reader finds in what the executable stored. */
async function readBack(matrix: Matrix, form: Form) {
  await storeLinear(matrix, form, work);
  const file = join(work, storedFile);
  const scheme = { ...form, activations: form.activations ?? 'none' };
  const config = quantizedFormats[form.layout].config(scheme, { quantized: ['m'], kept: [] });
  const [linear] = await readLinears(file, { quantization_config: config });
  if (linear === undefined) throw new Error('there is no linear');
  return { linear, bytes: await readFile(file) };
}

/** Hands what was read to the packing that solvers' codes go through. */
async function packAgain(
  matrix: Matrix,
  { grid, ...form }: Form & { readonly grid: IntegerGrid },
  linear: ReadLinear,
) {
  const file = join(work, 'solved.safetensors');
  const { rows, columns, codes, scales, zeros } = linear;
  const groups = scales.length / rows;
  await writeTensors(file, [
    { name: 'm.codes', dtype: 'I8', shape: [rows, columns], values: codes },
    { name: 'm.scales', dtype: 'F32', shape: [rows, groups], values: scales },
    ...(grid.symmetric || zeros === undefined
      ? []
      : [{ name: 'm.zeros', dtype: 'I8', shape: [rows, groups], values: zeros } as const]),
  ]);
  const solved = sortSolvedTensors((await openWeights(file)).tensors).linears.get('m');
  if (solved === undefined) throw new Error('there are no codes');
  await storeLinear(matrix, { grid, ...form, solved }, work);
  return readFile(join(work, storedFile));
}

const integers: readonly (readonly [layout: QuantizedLayout, bits: 4 | 8, symmetric: boolean])[] = [
  ['compressed-tensors', 4, true],
  ['compressed-tensors', 4, false],
  ['compressed-tensors', 8, true],
  ['compressed-tensors', 8, false],
  ['gptq', 4, true],
  ['gptq', 8, true],
  ['gptq_v2', 4, true],
  ['gptq_v2', 4, false],
  ['gptq_v2', 8, true],
  ['gptq_v2', 8, false],
  ['awq', 4, true],
  ['awq', 4, false],
];

describe.each(integers)('a linear stored as %s, %d bits, symmetric: %s', (layout, bits, symmetric) => {
  const grids = fc.record<IntegerGrid>({
    kind: fc.constant('integer'),
    bits: fc.constant(bits),
    group: fc.constantFrom(null, 8, 64),
    symmetric: fc.constant(symmetric),
    convention: fc.constantFrom('full', 'restricted', 'centred'),
  });

  it('is read as the codes, zeros and scales that rounding gives, and packed again to the same bytes', async () => {
    await fc.assert(
      fc.asyncProperty(
        matrices,
        grids,
        fc.constantFrom('F32', 'F16', 'BF16'),
        async (matrix, grid, scaleDtype) => {
          const form = { grid, layout, scaleDtype };
          const { linear, bytes } = await readBack(matrix, form);

          const expected = roundToIntegers(matrix, grid, scaleDtype);
          expect([...linear.codes]).toEqual(expected.codes);
          expect([...linear.scales]).toEqual(expected.scales);
          expect([...(linear.zeros ?? expected.zeros.map(() => 0))]).toEqual(expected.zeros);
          expect(await packAgain(matrix, form, linear)).toEqual(bytes);
        },
      ),
      { numRuns: 6 },
    );
  });
});

describe('a linear stored in int8 for quantized activations', () => {
  const grid = { kind: 'integer', bits: 8, group: null, symmetric: true, convention: 'centred' } as const;

  it('is read as the codes and scales that rounding gives, and packed again to the same bytes', async () => {
    const form = { grid, layout: 'compressed-tensors', scaleDtype: 'BF16', activations: 'dynamic' } as const;
    await fc.assert(
      fc.asyncProperty(matrices, async (matrix) => {
        const { linear, bytes } = await readBack(matrix, form);

        const expected = roundToIntegers(matrix, grid, 'BF16');
        expect([...linear.codes]).toEqual(expected.codes);
        expect([...linear.scales]).toEqual(expected.scales);
        expect(await packAgain(matrix, form, linear)).toEqual(bytes);
      }),
      { numRuns: 6 },
    );
  });
});

describe.each<readonly [string, Fp8Grid]>([
  ['the tensor', { kind: 'fp8', block: [null, null] }],
  ['each row', { kind: 'fp8', block: [1, null] }],
  ['128 × 128', { kind: 'fp8', block: [128, 128] }],
])('an FP8 linear with a scale for %s', (_, grid) => {
  it('is read as the codes and scales that rounding gives', async () => {
    await fc.assert(
      fc.asyncProperty(matrices, fc.constantFrom('F32', 'BF16'), async (matrix, scaleDtype) => {
        const form = { grid, layout: 'compressed-tensors', scaleDtype, activations: 'dynamic' } as const;
        const { linear } = await readBack(matrix, form);

        const expected = roundToFp8(matrix, grid, scaleDtype);
        expect([...linear.codes]).toEqual(expected.codes);
        expect([...linear.scales]).toEqual(expected.scales);
      }),
      { numRuns: 6 },
    );
  });
});

describe('an NVFP4 linear', () => {
  it('is read as the codes and scales that rounding gives', async () => {
    await fc.assert(
      fc.asyncProperty(matrices, async (matrix) => {
        const form = { grid: { kind: 'nvfp4' }, layout: 'compressed-tensors', scaleDtype: 'F32' } as const;
        const { linear } = await readBack(matrix, form);

        const expected = roundToNvfp4(matrix);
        expect([...linear.codes]).toEqual(expected.codes);
        expect([...linear.scales]).toEqual(expected.scales);
      }),
      { numRuns: 6 },
    );
  });
});
