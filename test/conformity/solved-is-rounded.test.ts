import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { IntegerGrid } from '../../core/domain/quantize-pieces.ts';
import type { QuantizedLayout } from '../../core/formats/quantized/scheme.ts';
import type { ScaleDtype } from '../../core/formats/quantized/format.ts';
import { layOutSafetensors } from '../../core/formats/safetensors/write-header.ts';
import { locateWeights } from '../../system/native-cli/locate.ts';
import { quantizeWeights } from '../../system/weights/quantize-weights.ts';
import { solveQuantization } from '../../system/weights/solve-quantization.ts';
import { formulaTensors, withOddRows, writeModel } from '../fixtures/weights/formula-model.ts';
import { encode, roundTo } from '../unit/system/native-cli/float-reference.ts';

const scope = {
  signal: new AbortController().signal,
  onProgress: () => undefined,
  executable: locateWeights(process.env['ENGINEWRIGHT_WEIGHTS']),
};

let work: string;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'solved-is-rounded-'));
  await writeModel(join(work, 'model'), bfloatModel());
  await writeStatistics(join(work, 'statistics.safetensors'));
});
afterAll(() => rm(work, { recursive: true, force: true }));

/** BF16, as most models are, with odd rows in every linear. */
function bfloatModel() {
  return formulaTensors().map(({ name, shape, values }) => {
    const odd = name.includes('_proj') ? withOddRows(values, shape[1] ?? 0) : values;
    const rounded = Array.from(odd, (value) => roundTo('BF16', value));
    return { name, shape, dtype: 'BF16' as const, values: encode('BF16', rounded) };
  });
}

/** Every column is given the same, and none has to do with another: Σ x xᵀ is a multiple of the identity. */
async function writeStatistics(file: string): Promise<void> {
  const linears = formulaTensors().filter(({ name }) => name.includes('_proj'));
  const inputs = Object.fromEntries(
    linears.map(({ name, shape }) => [name.replace('.weight', ''), `columns-${shape[1]}`]),
  );
  const parts = [...new Set(linears.map(({ shape }) => shape[1] ?? 0))].flatMap((columns) => [
    {
      name: `columns-${columns}.gram`,
      shape: [columns, columns],
      values: Float64Array.from({ length: columns ** 2 }, (_, at) => (at % (columns + 1) === 0 ? 7 : 0)),
    },
    { name: `columns-${columns}.mean_abs`, shape: [columns], values: new Float64Array(columns).fill(1) },
    { name: `columns-${columns}.amax`, shape: [columns], values: new Float64Array(columns).fill(3) },
  ]);
  const specs = parts.map(({ name, shape }) => ({ name, shape, dtype: 'F64' as const }));
  const layout = layOutSafetensors(specs, new Map([['inputs', JSON.stringify(inputs)]]));
  const bytes = Buffer.alloc(layout.bytes);
  bytes.set(layout.header);
  for (const { name, offset } of layout.tensors) {
    const values = parts.find((part) => part.name === name)?.values ?? new Float64Array();
    bytes.set(new Uint8Array(values.buffer), offset);
  }
  await writeFile(file, bytes);
}

interface Form {
  readonly grid: IntegerGrid;
  readonly layout: QuantizedLayout;
  readonly scaleDtype: ScaleDtype;
}

/** The folder's weights and config, with codes from a solver's file or without. */
async function quantize(form: Form, solved?: string): Promise<{ weights: Buffer; config: string }> {
  const to = await mkdtemp(join(work, 'out-'));
  const { grid, layout, scaleDtype } = form;
  await quantizeWeights(
    {
      from: join(work, 'model'),
      to,
      scheme: { grid, layout, activations: 'none' },
      scaleDtype,
      ...(solved === undefined ? {} : { solved }),
    },
    scope,
  );
  return {
    weights: await readFile(join(to, 'model.safetensors')),
    config: await readFile(join(to, 'config.json'), 'utf8'),
  };
}

const int4: IntegerGrid = { kind: 'integer', bits: 4, group: 32, symmetric: true, convention: 'centred' };
const forms = [
  ['compressed-tensors', { grid: int4, layout: 'compressed-tensors', scaleDtype: 'BF16' }],
  [
    'compressed-tensors with zero points',
    { grid: { ...int4, symmetric: false }, layout: 'compressed-tensors', scaleDtype: 'BF16' },
  ],
  ['gptq', { grid: int4, layout: 'gptq', scaleDtype: 'F16' }],
  ['gptq_v2 with zero points', { grid: { ...int4, symmetric: false }, layout: 'gptq_v2', scaleDtype: 'F16' }],
] as const satisfies readonly (readonly [string, Form])[];

describe.each(forms)('int4 in groups of 32 as %s', (_, form) => {
  it.each(['natural', 'activation'] as const)(
    'is to the byte what rounding writes, where GPTQ (%s order) finds nothing to make up for',
    async (order) => {
      const out = join(work, `solved-${order}.safetensors`);
      await solveQuantization(
        {
          modelFolder: join(work, 'model'),
          statisticsFile: join(work, 'statistics.safetensors'),
          out,
          grid: form.grid,
          scaleDtype: form.scaleDtype,
          method: { kind: 'gptq', damp: 0.01, order },
        },
        scope,
      );

      const [rounded, solved] = [await quantize(form), await quantize(form, out)];

      expect(solved.weights.equals(rounded.weights)).toBe(true);
      expect(solved.config).toBe(rounded.config);
    },
  );
});
