import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { IntegerGrid, QuantizePiece } from '../../core/domain/quantize-pieces.ts';
import { locateWeights } from '../../system/native-cli/locate.ts';
import { quantizeMatrices } from '../../system/native-cli/run-weights.ts';

/** Base64 everywhere: weights F32 [rows, columns], codes I8 alike, scales [rows] in their own dtype. */
interface Case {
  readonly bits: 4 | 8;
  readonly convention: IntegerGrid['convention'];
  readonly shape: readonly [rows: number, columns: number];
  readonly weights: string;
  readonly stored: {
    readonly [D in 'F32' | 'F16' | 'BF16']: { readonly codes: string; readonly scales: string };
  };
}

const fixture = join(import.meta.dirname, '../fixtures/goldens/quantized/oracle.json');
const { conventions } = JSON.parse(readFileSync(fixture, 'utf8')) as { conventions: readonly Case[] };
const dtypes = ['F32', 'F16', 'BF16'] as const;
const scope = { signal: new AbortController().signal, onProgress: () => undefined };
const executable = locateWeights(process.env['ENGINEWRIGHT_WEIGHTS']);

let work: string;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'conventions-'));
});
afterAll(() => rm(work, { recursive: true, force: true }));

/** Codes and scales as the executable writes them, one after the other. */
async function quantize(one: Case, scaleDtype: (typeof dtypes)[number]): Promise<Buffer> {
  const { bits, convention, weights } = one;
  const [rows, columns] = one.shape;
  const file = join(work, 'weights');
  await writeFile(file, Buffer.from(weights, 'base64'));
  const codes = {
    kind: 'quantize',
    part: 'codes',
    matrix: { file, offset: 0, dtype: 'F32', rows, columns },
    grid: { kind: 'integer', bits, group: null, symmetric: true, convention },
    layout: 'bytes',
    scaleDtype,
    name: 'w',
  } as const satisfies QuantizePiece;
  const path = join(work, 'quantized');
  const bytes = rows * columns + rows * (scaleDtype === 'F32' ? 4 : 2);
  const pieces = [codes, { ...codes, part: 'scales' } as const];
  await quantizeMatrices({ version: 1, outputs: [{ path, bytes, pieces }] }, scope, executable);
  return readFile(path);
}

describe('a symmetric grid of integers', () => {
  it('is recorded in each of its three conventions, halves among them', () => {
    const names = conventions.map(({ bits, convention }) => `${convention}-${bits}`);

    expect(names.toSorted()).toEqual(
      ['centred-4', 'centred-8', 'full-4', 'full-8', 'restricted-4', 'restricted-8'].toSorted(),
    );
    const codesOf = ({ stored }: Case) => stored.F32.codes;
    // Not one of them would pass for another.
    expect(new Set(conventions.map(codesOf)).size).toBe(conventions.length);
  });

  it.each(
    conventions.flatMap((one) => dtypes.map((dtype) => [one.convention, one.bits, dtype, one] as const)),
  )(
    'has the codes and scales of a literal computation: %s, %d bits, scales %s',
    async (_convention, _bits, dtype, one) => {
      const [rows, columns] = one.shape;

      const written = await quantize(one, dtype);

      const codes = new Int8Array(written.subarray(0, rows * columns));
      expect([...codes]).toEqual([...new Int8Array(Buffer.from(one.stored[dtype].codes, 'base64'))]);
      expect(written.subarray(rows * columns).toString('base64')).toBe(one.stored[dtype].scales);
    },
  );
});
