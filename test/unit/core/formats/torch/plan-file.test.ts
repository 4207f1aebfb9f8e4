import { describe, expect, it } from 'vitest';
import { pieceOf, type PlannedTensor } from '../../../../../core/formats/pieces.ts';
import { planTorchFile } from '../../../../../core/formats/torch/plan-file.ts';
import { crc32 } from '../../../../../core/formats/torch/crc32.ts';
import { readTorchFile } from '../../../../../core/formats/torch/read-torch-file.ts';
import type { TensorDtype, WeightTensor } from '../../../../../core/formats/tensor.ts';
import { carryOutPlan } from '../../../../fixtures/weights/carry-out-plan.ts';
import { memorySource } from '../../../../fixtures/weights/memory-source.ts';

const data = Uint8Array.from({ length: 64 }, (_, index) => index);
const read = (_: string, offset: number, bytes: number) => data.slice(offset, offset + bytes);

function planned(name: string, dtype: TensorDtype, shape: readonly number[], bytes: number): PlannedTensor {
  return { name, dtype, shape, piece: { kind: 'range', file: '/in', offset: 8, bytes, name } };
}

const tensors: readonly PlannedTensor[] = [
  planned('w', 'F16', [2, 3], 12),
  { ...planned('tied', 'F16', [2, 3], 12), aliasOf: 'w' },
  planned('empty', 'F32', [0, 4], 0),
  planned('scalar', 'I64', [], 8),
  planned('large names', 'BF16', [1, 8], 16),
  planned('fp8', 'F8_E4M3', [4], 4),
  planned('ünïcode', 'BOOL', [3], 3),
];

describe('writing a torch file', () => {
  it('is read back with the same names, shapes, bytes and ties', async () => {
    const bytes = carryOutPlan(planTorchFile('/out.bin', tensors), read);

    const found = (await readTorchFile(memorySource(bytes, '/out.bin'))).tensors;

    expect(found.map(({ name, dtype, shape, aliasOf }) => ({ name, dtype, shape, aliasOf }))).toEqual(
      tensors.map(({ name, dtype, shape, aliasOf }) => ({ name, dtype, shape, aliasOf })),
    );
    for (const tensor of found)
      expect(bytes.slice(tensor.offset, tensor.offset + tensor.bytes)).toEqual(
        data.slice(8, 8 + tensor.bytes),
      );
  });

  it('aligns every storage to 64 bytes and shares one between tied tensors', async () => {
    const bytes = carryOutPlan(planTorchFile('/out.bin', tensors), read);

    const found = (await readTorchFile(memorySource(bytes))).tensors;

    expect(found.every(({ offset }) => offset % 64 === 0)).toBe(true);
    expect(found[1]?.offset).toBe(found[0]?.offset);
  });

  it('has the CRC-32 of each storage in both headers', () => {
    const bytes = carryOutPlan(planTorchFile('/out.bin', [planned('w', 'F16', [2, 3], 12)]), read);
    const crc = crc32(data.slice(8, 20));

    const found = Array.from(bytes.keys()).filter(
      (at) => at + 4 <= bytes.length && new DataView(bytes.buffer).getUint32(at, true) === crc,
    );

    expect(found).toHaveLength(2);
  });

  it('gives the same bytes for the same tensors and never a .format_version', () => {
    const one = carryOutPlan(planTorchFile('/a.bin', tensors), read);
    const two = carryOutPlan(planTorchFile('/b.bin', tensors), read);

    expect(one).toEqual(two);
    expect(Buffer.from(one).includes('.format_version')).toBe(false);
    expect(Buffer.from(one).includes('archive/version')).toBe(true);
  });

  it('refuses a dtype torch does not have', () => {
    expect(() => planTorchFile('/out.bin', [planned('q', 'F6_E2M3', [4], 3)])).toThrow(
      'Tensor q is F6_E2M3, which torch has no dtype for',
    );
  });

  it('knows the CRC-32 everybody knows', () => {
    expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
  });
});

describe('the piece of a tensor', () => {
  it('is a range when contiguous and a gather when it is a view', () => {
    const tensor: WeightTensor = {
      name: 't',
      dtype: 'F16',
      shape: [3, 2],
      bytes: 12,
      file: '/in',
      offset: 4,
    };

    expect(pieceOf(tensor)).toEqual({ kind: 'range', file: '/in', offset: 4, bytes: 12, name: 't' });
    expect(pieceOf({ ...tensor, strides: [1, 3] })).toEqual({
      kind: 'gather',
      file: '/in',
      offset: 4,
      itemBytes: 2,
      shape: [3, 2],
      strides: [1, 3],
      name: 't',
    });
  });
});
