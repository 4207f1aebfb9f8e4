import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { IntegerGrid } from '../../core/domain/quantize-pieces.ts';
import type { LinearGroup, SolvedLinearPlan, SolveMethod, SolvePlan } from '../../core/domain/solve-plan.ts';
import type { ScaleDtype } from '../../core/formats/quantized/format.ts';
import { locateWeights } from '../../system/native-cli/locate.ts';
import { solveLinears } from '../../system/native-cli/run-weights.ts';

/** Base64 of I8 codes and zeros, F64 scales. */
interface Solved {
  readonly codes: string;
  readonly scales: string;
  readonly zeros: string;
  readonly error: number;
}

interface Oracle {
  readonly columns: number;
  readonly rows: readonly number[];
  readonly group: number;
  readonly weights: readonly string[];
  /** A linear whose output the others are given: its rows take up their scales. */
  readonly before: string;
  readonly gram: string;
  readonly meanAbs: string;
  readonly amax: string;
  readonly norm: string;
  readonly cases: { readonly [name: string]: readonly Solved[] };
  readonly folded: { readonly [name: string]: string };
  readonly rounded: { readonly [kind: string]: readonly number[] };
}

const file = join(import.meta.dirname, '../fixtures/goldens/solvers/oracle.json');
const oracle = JSON.parse(readFileSync(file, 'utf8')) as Oracle;
const { columns } = oracle;
const scope = { signal: new AbortController().signal, onProgress: () => undefined };
const executable = locateWeights(process.env['ENGINEWRIGHT_WEIGHTS']);
const bytesOf = (text: string): Buffer => Buffer.from(text, 'base64');
const integersOf = (text: string): number[] => [...new Int8Array(bytesOf(text))];
const doublesOf = (text: string): Float64Array => new Float64Array(new Uint8Array(bytesOf(text)).buffer);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'solver-oracle-'));
  const { weights, before, gram, meanAbs, amax, norm } = oracle;
  const files = { before: [before], statistics: [gram, meanAbs, amax], norm: [norm] };
  for (const [name, parts] of Object.entries(files))
    await writeFile(join(folder, name), Buffer.concat(parts.map(bytesOf)));
  for (const [at, text] of weights.entries()) await writeFile(join(folder, `weights-${at}`), bytesOf(text));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Setup {
  readonly method: SolveMethod;
  readonly grid: IntegerGrid;
  readonly scaleDtype: ScaleDtype;
  /** What takes up the scales of columns. */
  readonly fold: 'none' | 'norm' | 'rows';
}

interface Found {
  readonly codes: number[];
  readonly scales: Float32Array;
  readonly zeros: number[];
  readonly error: number;
  readonly roundedError: number;
}

const groupsOf = ({ group }: IntegerGrid): number => columns / (group ?? columns);

/** A plan of the oracle's linears, and where its parts lie in the output. */
function planOf({ method, grid, scaleDtype, fold }: Setup): SolvePlan & { readonly normAt: number } {
  let end = 0;
  const place = (bytes: number): number => (end += bytes) - bytes;
  const statistics = {
    file: join(folder, 'statistics'),
    columns,
    gram: 0,
    meanAbs: columns * columns * 8,
    amax: columns * (columns + 1) * 8,
  };
  // Words of four bytes first.
  const linear = (name: string, rows: number): SolvedLinearPlan => ({
    name,
    weights: { file: join(folder, name), offset: 0, dtype: 'F32', rows, columns },
    scales: place(rows * groupsOf(grid) * 4),
    codes: place(rows * columns),
    zeros: grid.symmetric ? null : place(rows * groupsOf(grid)),
    clip: true,
  });
  const normAt = fold === 'norm' ? place(columns * 4) : 0;
  const vector = { file: join(folder, 'norm'), offset: 0, dtype: 'F32', rows: 1, columns } as const;
  const folds: { readonly [F in Setup['fold']]: LinearGroup['fold'] } = {
    none: null,
    norm: { kind: 'vector', vector, to: normAt },
    rows: { kind: 'rows', linear: 'before' },
  };
  const linears = oracle.rows.map((rows, at) => linear(`weights-${at}`, rows));
  const after: LinearGroup[] =
    fold === 'rows' ? [{ statistics, linears: [linear('before', columns)], fold: null }] : [];
  return {
    version: 1,
    output: { path: join(folder, 'solved'), bytes: end, header: '' },
    grid,
    scaleDtype,
    method,
    groups: [{ statistics, linears, fold: folds[fold] }, ...after],
    normAt,
  };
}

/** Codes, scales and zero points of each linear, and the folded norm. */
async function solve(setup: Setup): Promise<{ linears: Found[]; norm: Float32Array }> {
  const { normAt, ...plan } = planOf(setup);
  const { outputs } = await solveLinears(plan, scope, executable);
  const bytes = new Uint8Array(await readFile(plan.output.path)).buffer;
  // Zero points leave what follows at any byte.
  const floats = (at: number, count: number) => new Float32Array(bytes.slice(at, at + 4 * count));
  const found = plan.groups
    .flatMap(({ linears }) => linears)
    .map(({ codes, scales, zeros, weights: { rows } }, at): Found => {
      const groups = rows * groupsOf(setup.grid);
      return {
        codes: [...new Int8Array(bytes, codes, rows * columns)],
        scales: floats(scales, groups),
        zeros:
          zeros === null ? Array.from({ length: groups }, () => 0) : [...new Int8Array(bytes, zeros, groups)],
        error: outputs[at]?.error ?? Number.NaN,
        roundedError: outputs[at]?.roundedError ?? Number.NaN,
      };
    });
  return { linears: found, norm: setup.fold === 'norm' ? floats(normAt, columns) : new Float32Array() };
}

const restricted: IntegerGrid = {
  kind: 'integer',
  bits: 4,
  group: oracle.group,
  symmetric: true,
  convention: 'restricted',
};
const grids = {
  restricted: { grid: restricted, scaleDtype: 'F32' },
  // As recipes have them.
  centred: { grid: { ...restricted, convention: 'centred' }, scaleDtype: 'F16' },
  asymmetric: { grid: { ...restricted, convention: 'centred', symmetric: false }, scaleDtype: 'F16' },
} as const satisfies { readonly [kind: string]: Pick<Setup, 'grid' | 'scaleDtype'> };
const kinds = ['restricted', 'centred', 'asymmetric'] as const;
const eight = { grid: { ...restricted, bits: 8, group: null }, scaleDtype: 'F32' } as const;

const gptq = (order: 'natural' | 'activation') => ({ kind: 'gptq', damp: 0.01, order }) as const;
const onEachGrid = kinds.flatMap((kind): [string, Setup][] => [
  [`gptq-natural-${kind}`, { ...grids[kind], method: gptq('natural'), fold: 'none' }],
  [`gptq-activation-${kind}`, { ...grids[kind], method: gptq('activation'), fold: 'none' }],
  [`awq-${kind}`, { ...grids[kind], method: { kind: 'awq' }, fold: 'norm' }],
]);
const intoRows: Setup = { ...grids.centred, method: { kind: 'awq' }, fold: 'rows' };
const smoothquant: Setup = { ...eight, method: { kind: 'smoothquant', alpha: 0.5 }, fold: 'norm' };
const cases: [string, Setup][] = [...onEachGrid, ['awq-rows', intoRows], ['smoothquant', smoothquant]];

const largestGap = (ours: ArrayLike<number>, theirs: ArrayLike<number>): number =>
  Math.max(...Array.from(theirs, (value, at) => Math.abs((ours[at] ?? Number.NaN) / value - 1)));

it('compares every case of the oracle', () => {
  expect(cases.map(([name]) => name).toSorted()).toEqual(Object.keys(oracle.cases).toSorted());
});

describe.each(cases)('%s, against a literal computation in float64', (name, setup) => {
  it('finds the same codes, scales, zero points and errors', async () => {
    const { linears } = await solve(setup);

    const expected = oracle.cases[name] ?? [];
    expect(linears).toHaveLength(expected.length);
    for (const [at, { codes, scales, zeros, error }] of expected.entries()) {
      const found = linears[at];
      expect(found?.codes).toEqual(integersOf(codes));
      expect(found?.zeros).toEqual(integersOf(zeros));
      expect(largestGap(found?.scales ?? [], doublesOf(scales))).toBeLessThan(1e-6);
      expect(largestGap([found?.error ?? Number.NaN], [error])).toBeLessThan(1e-5);
    }
  });
});

describe('a solver that looks at what a linear is given', () => {
  it.each(onEachGrid)('is nearer to its outputs than rounding is: %s', async (name, setup) => {
    const { linears } = await solve(setup);

    const rounded = oracle.rounded[name.split('-').at(-1) ?? ''] ?? [];
    expect(rounded).toHaveLength(linears.length);
    for (const [at, { error, roundedError }] of linears.entries()) {
      expect(largestGap([roundedError], [rounded[at] ?? Number.NaN])).toBeLessThan(1e-4);
      expect(error).toBeLessThan(roundedError);
    }
  });

  it.each(cases.filter(([, { fold }]) => fold === 'norm'))(
    'puts the inverse of its scales into the norm before: %s',
    async (name, setup) => {
      const { norm } = await solve(setup);

      expect(largestGap(norm, doublesOf(oracle.folded[name] ?? ''))).toBeLessThan(1e-6);
    },
  );
});
