import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../../core/domain/json.ts';
import { convertFloats } from '../../core/formats/gguf/convert-floats.ts';
import { formReaders } from '../../core/formats/quantized/readers.ts';
import type { TensorDtype } from '../../core/formats/tensor.ts';
import { readLinears } from '../fixtures/weights/read-linears.ts';
import { writeTensors } from '../fixtures/weights/formula-model.ts';

interface StoredTensor {
  readonly dtype: TensorDtype;
  readonly shape: readonly number[];
  /** Base64. */
  readonly bytes: string;
}

interface Case {
  readonly config: { readonly [key: string]: Json };
  readonly parts: { readonly [name: string]: StoredTensor };
  /** What the packages say that it stands for: F32 or F16 [rows, columns]. */
  readonly weights: StoredTensor;
}

const fixture = join(import.meta.dirname, '../fixtures/goldens/quantized/reading.json');
const { cases } = JSON.parse(readFileSync(fixture, 'utf8')) as { cases: { readonly [name: string]: Case } };

let work: string;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'reading-goldens-'));
});
afterAll(() => rm(work, { recursive: true, force: true }));

describe('a linear that vllm or compressed-tensors stored', () => {
  it.each(Object.entries(cases))('stands for the very weights that they say: %s', async (_, one) => {
    const file = join(work, 'model.safetensors');
    await writeTensors(
      file,
      Object.entries(one.parts).map(([name, { dtype, shape, bytes }]) => ({
        name: `m.${name}`,
        dtype,
        shape,
        values: Buffer.from(bytes, 'base64'),
      })),
    );

    const [linear] = await readLinears(file, { quantization_config: one.config });

    const { dtype, shape, bytes } = one.weights;
    expect([linear?.rows, linear?.columns]).toEqual(shape);
    // Single precision or, where theirs is half, rounded to that once.
    const values = new Uint8Array(linear?.values.buffer ?? new ArrayBuffer());
    const found = dtype === 'F16' ? convertFloats(values, 'F32', 'F16').bytes : values;
    expect(Buffer.from(found).toString('base64')).toBe(bytes);
  });

  it('is there for every method that is read', () => {
    const methods = new Set(Object.values(cases).map(({ config }) => config['quant_method']));

    expect(methods).toEqual(new Set(Object.keys(formReaders)));
  });
});
