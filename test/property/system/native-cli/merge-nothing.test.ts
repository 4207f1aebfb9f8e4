import * as fc from 'fast-check';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type {
  FloatDtype,
  MatrixRange,
  MergeChange,
  MergePiece,
} from '../../../../core/domain/weights-plan.ts';
import { mergeWeights } from '../../../../system/native-cli/run-weights.ts';

const scope = { signal: new AbortController().signal, onProgress: () => undefined };
const [rows, columns, rank] = [9, 21, 2];
const itemBytes = { F64: 8, F32: 4, F16: 2, BF16: 2 } as const;
const dtypes = ['F64', 'F32', 'F16', 'BF16'] as const;
const roundings = ['peft-default', 'peft-safe', 'once'] as const;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'enginewright-nothing-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** One item, little-endian: half of them zeros and subnormals of both signs, the others any finite number. */
const item = fc.record({
  kind: fc.constantFrom('zero', 'subnormal', 'any', 'any'),
  bytes: fc.uint8Array({ minLength: 8, maxLength: 8 }),
});

function bitsOf(dtype: FloatDtype, { kind, bytes }: { kind: string; bytes: Uint8Array }): Uint8Array {
  const size = itemBytes[dtype];
  const bits = bytes.slice(0, size);
  const last = size - 1;
  // Without the highest bit of its exponent no number is infinite.
  bits[last] = (bits[last] ?? 0) & (kind === 'any' ? 0xbf : 0x80);
  if (kind === 'zero') bits.fill(0, 0, last);
  else if (kind === 'subnormal') bits.fill(0, 1, last);
  return bits;
}

function changesOf(zeros: string, ones: string): readonly (readonly MergeChange[])[] {
  const matrix = (file: string, down: number, right: number): MatrixRange => ({
    file,
    offset: 0,
    dtype: 'F32',
    rows: down,
    columns: right,
  });
  const pair = (a: MatrixRange, b: MatrixRange, more: object = {}): MergeChange => ({
    kind: 'low-rank',
    a,
    b,
    scale: -1.5,
    ...more,
  });
  const plain = pair(matrix(ones, rank, columns), matrix(zeros, rows, rank));
  const turned = pair(matrix(zeros, rank, rows), matrix(ones, columns, rank), { transpose: true });
  const rounded = pair(matrix(ones, rank, columns), matrix(zeros, rows, rank), {
    scale: 1,
    roundsDelta: true,
  });
  const added: MergeChange = { kind: 'add', matrix: matrix(zeros, rows, columns), scale: 2 };
  return [[plain], [turned], [rounded], [added], [plain, turned, added]];
}

it('an adapter that changes nothing gives back every bit, in every dtype, rounding and direction', async () => {
  const [zeros, ones] = [join(folder, 'zeros'), join(folder, 'ones')];
  const [base, out] = [join(folder, 'base'), join(folder, 'out')];
  await writeFile(zeros, new Uint8Array(4 * rows * columns));
  await writeFile(ones, new Uint8Array(new Float32Array(rows * columns).fill(1).buffer));
  const count = rows * columns;

  await fc.assert(
    fc.asyncProperty(fc.array(item, { minLength: count, maxLength: count }), async (items) => {
      const contents = dtypes.map((dtype) => Buffer.concat(items.map((one) => bitsOf(dtype, one))));
      await writeFile(base, Buffer.concat(contents));
      const pieces: MergePiece[] = [];
      const expected: Buffer[] = [];
      let offset = 0;
      for (const [at, dtype] of dtypes.entries()) {
        for (const rounding of roundings) {
          for (const changes of changesOf(zeros, ones)) {
            const range = { file: base, offset, dtype, rows, columns };
            pieces.push({
              kind: 'merge',
              name: `${dtype} ${rounding}`,
              base: range,
              dtype,
              changes,
              rounding,
            });
            expected.push(contents[at] ?? Buffer.alloc(0));
          }
        }
        offset += count * itemBytes[dtype];
      }
      const wanted = Buffer.concat(expected);
      await mergeWeights({ version: 1, outputs: [{ path: out, bytes: wanted.length, pieces }] }, scope);

      expect((await readFile(out)).equals(wanted)).toBe(true);
    }),
    { numRuns: 20 },
  );
});
