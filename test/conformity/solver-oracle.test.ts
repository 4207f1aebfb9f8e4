import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { IntegerGrid } from '../../core/domain/quantize-pieces.ts';
import type { LinearGroup, SolveMethod, SolvePlan } from '../../core/domain/solve-plan.ts';
import { solveLinears } from '../../system/native-cli/run-weights.ts';

interface Solved {
  readonly codes: string;
  readonly scales: string;
  readonly error: number;
}

interface Oracle {
  readonly columns: number;
  readonly rows: readonly number[];
  readonly group: number;
  readonly weights: readonly string[];
  readonly gram: string;
  readonly meanAbs: string;
  readonly amax: string;
  readonly norm: string;
  readonly cases: { readonly [name: string]: readonly Solved[] };
  readonly folded: { readonly [name: string]: string };
  readonly rounded: readonly number[];
}

const file = join(import.meta.dirname, '../fixtures/goldens/solvers/oracle.json');
const oracle = JSON.parse(readFileSync(file, 'utf8')) as Oracle;
const scope = { signal: new AbortController().signal, onProgress: () => undefined };
const bytesOf = (text: string): Buffer => Buffer.from(text, 'base64');
const doublesOf = (text: string): Float64Array => new Float64Array(new Uint8Array(bytesOf(text)).buffer);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'solver-oracle-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function stored(name: string, bytes: Buffer): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

interface Found {
  readonly codes: Int8Array;
  readonly scales: Float32Array;
  readonly error: number;
  readonly roundedError: number;
}

/** Codes and scales of each linear one after the other, then the folded norm. */
async function solve(
  method: SolveMethod,
  grid: IntegerGrid,
): Promise<{ linears: Found[]; norm: Float32Array }> {
  const { columns, rows } = oracle;
  const groups = columns / (grid.group ?? columns);
  const weights = await Promise.all(oracle.weights.map((text, at) => stored(`weights-${at}`, bytesOf(text))));
  const statistics = await stored(
    'statistics',
    Buffer.concat([oracle.gram, oracle.meanAbs, oracle.amax].map(bytesOf)),
  );
  const vector = await stored('norm', bytesOf(oracle.norm));
  let end = 0;
  const place = (bytes: number): number => (end += bytes) - bytes;
  const linears = rows.map((count, at) => ({
    name: `linear-${at}`,
    weights: { file: weights[at] ?? '', offset: 0, dtype: 'F32' as const, rows: count, columns },
    codes: place(count * columns),
    scales: place(count * groups * 4),
    zeros: null,
    clip: true,
  }));
  const to = method.kind === 'gptq' ? 0 : place(columns * 4);
  const group: LinearGroup = {
    statistics: {
      file: statistics,
      columns,
      gram: 0,
      meanAbs: columns * columns * 8,
      amax: columns * (columns + 1) * 8,
    },
    linears,
    fold:
      method.kind === 'gptq'
        ? null
        : { kind: 'vector', vector: { file: vector, offset: 0, dtype: 'F32', rows: 1, columns }, to },
  };
  const path = join(folder, `solved-${method.kind}`);
  const plan: SolvePlan = {
    version: 1,
    output: { path, bytes: end, header: '' },
    grid,
    scaleDtype: 'F32',
    method,
    groups: [group],
  };
  const { outputs } = await solveLinears(plan, scope);
  const bytes = new Uint8Array(await readFile(path)).buffer;
  return {
    linears: linears.map((linear, at) => ({
      codes: new Int8Array(bytes, linear.codes, linear.weights.rows * columns),
      scales: new Float32Array(bytes, linear.scales, linear.weights.rows * groups),
      error: outputs[at]?.error ?? Number.NaN,
      roundedError: outputs[at]?.roundedError ?? Number.NaN,
    })),
    norm: new Float32Array(bytes, to, columns),
  };
}

const four: IntegerGrid = {
  kind: 'integer',
  bits: 4,
  group: oracle.group,
  symmetric: true,
  convention: 'restricted',
};
const eight: IntegerGrid = { ...four, bits: 8, group: null };
const cases = [
  ['gptq-natural', { kind: 'gptq', damp: 0.01, order: 'natural' }, four],
  ['gptq-activation', { kind: 'gptq', damp: 0.01, order: 'activation' }, four],
  ['awq', { kind: 'awq' }, four],
  ['smoothquant', { kind: 'smoothquant', alpha: 0.5 }, eight],
] as const satisfies readonly (readonly [string, SolveMethod, IntegerGrid])[];

const largestGap = (ours: ArrayLike<number>, theirs: ArrayLike<number>): number =>
  Math.max(...Array.from(theirs, (value, at) => Math.abs((ours[at] ?? Number.NaN) / value - 1)));

describe.each(cases)('%s, against a literal computation in float64', (name, method, grid) => {
  it('finds the same codes, scales and errors', async () => {
    const { linears } = await solve(method, grid);

    for (const [at, expected] of (oracle.cases[name] ?? []).entries()) {
      const found = linears[at];
      const codes = new Int8Array(new Uint8Array(bytesOf(expected.codes)).buffer);
      expect([...(found?.codes ?? [])]).toEqual([...codes]);
      expect(largestGap(found?.scales ?? [], doublesOf(expected.scales))).toBeLessThan(1e-6);
      expect(found?.error).toBeCloseTo(expected.error, 3);
    }
  });
});

describe('a solver that looks at what a linear is given', () => {
  it.each(cases.slice(0, 3))('is nearer to its outputs than rounding is: %s', async (_, method, grid) => {
    const { linears } = await solve(method, grid);

    for (const [at, { error, roundedError }] of linears.entries()) {
      expect(roundedError / (oracle.rounded[at] ?? Number.NaN)).toBeCloseTo(1, 4);
      expect(error).toBeLessThan(roundedError);
    }
  });

  it.each(cases.slice(2))(
    'puts the inverse of its scales into the norm before: %s',
    async (name, method, grid) => {
      const { norm } = await solve(method, grid);

      expect(largestGap(norm, doublesOf(oracle.folded[name] ?? ''))).toBeLessThan(1e-6);
    },
  );
});
