import { describe, expect, it } from 'vitest';
import { SafeTensor } from 'safetensors';
import { readSafetensorsHeader } from '../../../../../core/formats/safetensors/read-header.ts';
import { layOutSafetensors } from '../../../../../core/formats/safetensors/write-header.ts';
import type { TensorSpec } from '../../../../../core/formats/tensor.ts';
import { concat, memorySource } from '../../../../fixtures/weights/memory-source.ts';

const tensors: readonly TensorSpec[] = [
  { name: 'bytes', dtype: 'U8', shape: [3] },
  { name: 'z', dtype: 'F16', shape: [2, 2] },
  { name: 'a', dtype: 'F16', shape: [1] },
  { name: 'wide', dtype: 'F64', shape: [] },
  { name: '7', dtype: 'F32', shape: [0, 5] },
];

describe('writing a safetensors header', () => {
  it('puts wide items first and starts the data on 8 bytes, so that every tensor is aligned', () => {
    const { tensors: placed, header } = layOutSafetensors(tensors);

    expect(placed.map(({ name }) => name)).toEqual(['wide', '7', 'a', 'z', 'bytes']);
    expect(header.length % 8).toBe(0);
    expect(placed.filter(({ dtype }) => dtype === 'F16').every(({ offset }) => offset % 2 === 0)).toBe(true);
  });

  it('orders dtypes of one width and names beyond U+FFFF as the reference does', () => {
    // What safetensors 0.8.0 makes of these.
    const order = ['U64', 'I64', 'F64', 'C64', 'F32', 'U32', 'I32', 'BF16', 'F16', 'U16', 'I16'] as const;
    const narrow = [
      'F8_E5M2FNUZ',
      'F8_E4M3FNUZ',
      'F8_E8M0',
      'F8_E4M3',
      'F8_E5M2',
      'I8',
      'U8',
      'F4',
      'BOOL',
    ] as const;
    const names = ['z', '\uff5e', '\u{1f980}'];
    const all = [...order, ...narrow].flatMap((dtype) =>
      names.map((name) => ({ dtype, name: dtype + name, shape: [2] })),
    );

    const { tensors: placed } = layOutSafetensors(all.toReversed());

    expect(placed.map(({ name }) => name)).toEqual(all.map(({ name }) => name));
  });

  it('refuses the one name that the format keeps to itself', () => {
    expect(() => layOutSafetensors([{ name: '__metadata__', dtype: 'F16', shape: [1] }])).toThrow(
      'keeps the name __metadata__ to itself',
    );
  });

  it('does not depend on the order the tensors come in', () => {
    expect(layOutSafetensors(tensors.toReversed()).header).toEqual(layOutSafetensors(tensors).header);
  });

  it('is read back by our reader', async () => {
    const layout = layOutSafetensors(tensors, new Map([['format', 'pt']]));
    const file = concat(layout.header, new Uint8Array(layout.bytes - layout.header.length));

    const header = await readSafetensorsHeader(memorySource(file));

    expect(header.tensors).toEqual(layout.tensors);
    expect(header.metadata.get('format')).toBe('pt');
  });

  it('is read by the safetensors package from npm', () => {
    const layout = layOutSafetensors(tensors);
    const data = Uint8Array.from({ length: layout.bytes - layout.header.length }, (_, index) => index + 1);

    const other = new SafeTensor(new Uint8Array(concat(layout.header, data)));

    // wide: 1…8, a: 9…10, z: 11…18, bytes: 19…21
    expect([...other.getTensor('wide')]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect([...other.getTensor('a')]).toEqual([9, 10]);
    expect([...other.getTensor('bytes')]).toEqual([19, 20, 21]);
  });
});
