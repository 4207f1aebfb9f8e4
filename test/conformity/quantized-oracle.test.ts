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
import { formulaTensors, writeFormulaModel } from '../fixtures/weights/formula-model.ts';

interface Oracle {
  readonly weights: { readonly [module: string]: string };
  readonly schemes: {
    readonly [scheme: string]: {
      readonly [tensor: string]: { readonly shape: readonly number[]; readonly sha256: string };
    };
  };
}

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
  ['nvfp4', { kind: 'nvfp4', reciprocal: true }, 'none'],
];

const scope = {
  signal: new AbortController().signal,
  onProgress: () => undefined,
  executable: locateWeights(process.env['ENGINEWRIGHT_WEIGHTS']),
};
const fixture = join(import.meta.dirname, '../fixtures/goldens/quantized/oracle.json');

let work: string;
let oracle: Oracle;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'quantized-oracle-'));
  oracle = JSON.parse(await readFile(fixture, 'utf8')) as Oracle;
  await writeFormulaModel(join(work, 'model'));
});
afterAll(() => rm(work, { recursive: true, force: true }));

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe('what we write as compressed-tensors', () => {
  it('starts from the very weights the package was given', () => {
    const ours = formulaTensors().filter(({ name }) => name.includes('_proj'));

    expect(
      Object.fromEntries(
        ours.map(({ name, values }) => [name.replace('.weight', ''), sha256(new Uint8Array(values.buffer))]),
      ),
    ).toEqual(oracle.weights);
  });

  it.each(schemes)('is byte for byte what the package writes: %s', async (name, grid, activations) => {
    const to = join(work, name);

    await quantizeWeights(
      { from: join(work, 'model'), to, scheme: { grid, layout: 'compressed-tensors', activations } },
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
    expect(Object.fromEntries(ours)).toEqual(oracle.schemes[name]);
  });
});
