import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Grid } from '../../core/domain/quantize-pieces.ts';
import type { QuantizationScheme } from '../../core/formats/quantized/scheme.ts';
import { locateWeights } from '../../system/native-cli/locate.ts';
import { openWeights } from '../../system/weights/open-weights.ts';
import { quantizeWeights } from '../../system/weights/quantize-weights.ts';
import { formulaTensors, withOddRows, writeModel } from '../fixtures/weights/formula-model.ts';
import { encode, roundTo } from '../unit/system/native-cli/float-reference.ts';

interface OracleModel {
  readonly weights: { readonly [module: string]: string };
  readonly schemes: {
    readonly [scheme: string]: {
      readonly [tensor: string]: { readonly shape: readonly number[]; readonly sha256: string };
    };
  };
}

interface Oracle {
  readonly versions: { readonly [name: string]: string };
  readonly models: { readonly [model in Model]: OracleModel };
}

type Model = 'F32' | 'BF16' | 'F16' | 'scaled';

const integer = (bits: 4 | 8, group: number | null, symmetric = true): Grid => ({
  kind: 'integer',
  bits,
  group,
  symmetric,
  convention: 'centred',
});

/** Ours beside the oracle's names. */
const schemes: readonly (readonly [string, Grid, QuantizationScheme['activations']])[] = [
  ['int4-group-32', integer(4, 32), 'none'],
  ['int4-group-32-asymmetric', integer(4, 32, false), 'none'],
  ['int4-row', integer(4, null), 'none'],
  ['int8-row', integer(8, null), 'none'],
  ['int8-row-asymmetric', integer(8, null, false), 'none'],
  ['int8-row-dynamic', integer(8, null), 'dynamic'],
  ['fp8-row', { kind: 'fp8', block: [1, null] }, 'dynamic'],
  ['fp8-tensor', { kind: 'fp8', block: [null, null] }, 'dynamic'],
  ['fp8-128x128', { kind: 'fp8', block: [128, 128] }, 'dynamic'],
  ['nvfp4', { kind: 'nvfp4' }, 'none'],
];

const scope = {
  signal: new AbortController().signal,
  onProgress: () => undefined,
  executable: locateWeights(process.env['ENGINEWRIGHT_WEIGHTS']),
};
const fixture = join(import.meta.dirname, '../fixtures/goldens/quantized/oracle.json');
const models = ['F32', 'BF16', 'F16', 'scaled'] as const satisfies readonly Model[];

/** The tensors of the oracle's model in one dtype: odd rows, or zeros, in the first layer. */
function tensorsOf(model: Model) {
  const dtype = model === 'scaled' ? 'F32' : model;
  const linears = formulaTensors().filter(({ name }) => name.includes('_proj'));
  return formulaTensors().map(({ name, shape, values }) => {
    const seed = linears.findIndex((linear) => linear.name === name);
    const changed = seed === -1 ? values : changeLinear(model, seed, { columns: shape[1] ?? 0, values });
    return {
      name,
      shape,
      dtype,
      values: encode(
        dtype,
        Array.from(changed, (value) => rounded(dtype, value)),
      ),
    };
  });
}

interface Rows {
  readonly columns: number;
  readonly values: Float32Array;
}

const linearsOfLayer = 7;

/** `seed` counts the linears of the model; a layer has seven. */
function changeLinear(model: Model, seed: number, { columns, values }: Rows): Float32Array {
  const isFirstLayer = seed < linearsOfLayer;
  if (model !== 'scaled') return isFirstLayer ? withOddRows(values, columns) : values;
  return isFirstLayer ? new Float32Array(values.length) : values.map((value) => value * (1 + 0.173 * seed));
}

/** A negative number that is too small for the dtype is −0. */
const rounded = (dtype: 'F32' | 'BF16' | 'F16', value: number): number =>
  Object.is(roundTo(dtype, value), 0) && value < 0 ? -0 : roundTo(dtype, value);

let work: string;
let oracle: Oracle;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'quantized-oracle-'));
  oracle = JSON.parse(await readFile(fixture, 'utf8')) as Oracle;
  for (const model of models) await writeModel(join(work, model), tensorsOf(model));
});
afterAll(() => rm(work, { recursive: true, force: true }));

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe.each(models)('what we write as compressed-tensors of the model %s', (model) => {
  it('starts from the very weights the package was given', () => {
    const ours = tensorsOf(model).filter(({ name }) => name.includes('_proj'));

    expect(
      Object.fromEntries(ours.map(({ name, values }) => [name.replace('.weight', ''), sha256(values)])),
    ).toEqual(oracle.models[model].weights);
  });

  it.each(schemes)('is byte for byte what the package writes: %s', async (name, grid, activations) => {
    const to = join(work, `${model}-${name}`);

    await quantizeWeights(
      { from: join(work, model), to, scheme: { grid, layout: 'compressed-tensors', activations } },
      scope,
    );

    const { tensors } = await openWeights(to);
    const file = await readFile(join(to, 'model.safetensors'));
    const ours = tensors
      .filter((tensor) => tensor.name.includes('_proj'))
      .map(({ name: tensor, shape, offset, bytes }) => [
        tensor,
        { shape, sha256: sha256(file.subarray(offset, offset + bytes)) },
      ]);
    expect(Object.fromEntries(ours)).toEqual(oracle.models[model].schemes[name]);
  });
});
