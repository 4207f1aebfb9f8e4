import { describe, expect, it } from 'vitest';
import { readTorchFile } from '../../../../../core/formats/torch/read-torch-file.ts';
import { concat, failureOf, memorySource } from '../../../../fixtures/weights/memory-source.ts';
import { op, stateDict, tensor, torchZip } from '../../../../fixtures/weights/pickles.ts';

const read = (value: Uint8Array) =>
  readTorchFile(memorySource(torchZip(stateDict('w', value)), '/model.bin'));
const sizes = (...items: number[]) => concat(op.mark, ...items.map(op.int), op.tuple);

/** `_rebuild_tensor_v3` over eight bytes. */
const untyped = (dtype: string, shape: number[], strides: number[]) =>
  concat(
    op.global('torch._utils', '_rebuild_tensor_v3'),
    op.mark,
    op.mark,
    op.text('storage'),
    op.global('torch.storage', 'UntypedStorage'),
    op.text('0'),
    op.text('cpu'),
    op.int(8),
    op.tuple,
    op.persistent,
    op.int(0),
    sizes(...shape),
    sizes(...strides),
    op.false,
    concat(op.global('collections', 'OrderedDict'), op.emptyTuple, op.reduce),
    op.global('torch', dtype),
    op.tuple,
    op.reduce,
  );

/** The same tensor as a call of another function of torch, whose arguments begin with it. */
const wrapped = (name: string, ...rest: (Uint8Array | string)[]) =>
  concat(op.global('torch._utils', name), op.mark, tensor(), ...rest, op.tuple, op.reduce);

describe('a tensor over untyped bytes', () => {
  it.each([
    ['uint16', 'U16', [4], [4]],
    ['uint32', 'U32', [2], [2]],
    ['uint64', 'U64', [1], [1]],
    ['float8_e4m3fn', 'F8_E4M3', [2, 4], [2, 4]],
    ['float8_e5m2', 'F8_E5M2', [8], [8]],
    ['float8_e4m3fnuz', 'F8_E4M3FNUZ', [8], [8]],
    ['float8_e5m2fnuz', 'F8_E5M2FNUZ', [8], [8]],
    ['float8_e8m0fnu', 'F8_E8M0', [8], [8]],
    ['float4_e2m1fn_x2', 'F4', [2, 4], [2, 8]],
  ])('of %s is %s', async (dtype, expected, shape, items) => {
    const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));

    const { tensors } = await read(untyped(dtype, shape, strides));

    expect(tensors).toMatchObject([{ dtype: expected, shape: items, bytes: 8 }]);
    expect(tensors[0]?.strides).toBeUndefined();
  });

  it('is refused as a strided view where two items share a byte, and as a scalar of two items', async () => {
    expect(await failureOf(read(untyped('float4_e2m1fn_x2', [2, 2], [1, 2])))).toContain(
      'is a strided view of packed F4 items',
    );
    expect(await failureOf(read(untyped('float4_e2m1fn_x2', [], [])))).toContain('no dimension that holds');
  });

  it.each(['complex128', 'complex32', 'qint8', 'quint4x2', 'uint4', 'bits8'])(
    'is refused by name for %s, which safetensors does not have',
    async (dtype) => {
      expect(await failureOf(read(untyped(dtype, [1], [1])))).toMatch(
        new RegExp(`^WeightsUnsupported: .*"torch.${dtype}", which safetensors has no dtype for`),
      );
    },
  );
});

describe('a tensor that torch wraps', () => {
  const plain = [{ name: 'w', dtype: 'F32', shape: [2], bytes: 8 }];

  it.each([
    ['a Parameter', wrapped('_rebuild_parameter', op.false, op.none)],
    ['a Parameter with attributes', wrapped('_rebuild_parameter_with_state', op.false, op.none, op.dict)],
    [
      'a tensor of torch before 0.4',
      Buffer.from(
        Buffer.from(tensor()).toString('latin1').replace('_rebuild_tensor_v2', '_rebuild_tensor'),
        'latin1',
      ),
    ],
    ['a tensor with attributes', typed('torch', 'Tensor', '_rebuild_tensor_v2')],
    ['a tensor that says it is a Parameter', typed('torch.nn.parameter', 'Parameter', '_rebuild_tensor_v2')],
  ])('is read as %s', async (_, value) => {
    expect((await read(value)).tensors).toMatchObject(plain);
  });

  it('is refused as a class or through a function that is not its own', async () => {
    expect(await failureOf(read(typed('torch.nn.modules', 'Linear', '_rebuild_tensor_v2')))).toContain(
      '"torch.nn.modules.Linear"',
    );
    expect(await failureOf(read(typed('collections', 'OrderedDict', '_rebuild_tensor_v2')))).toContain(
      'of a class of its own',
    );
    expect(
      await failureOf(read(typed('torch', 'Tensor', '_rebuild_from_type_v2', 'torch._tensor'))),
    ).toContain('of a class of its own');
  });
});

/** `_rebuild_from_type_v2(function, class, arguments of the function, state)`. */
function typed(module: string, name: string, maker: string, makerModule = 'torch._utils'): Uint8Array {
  const call = Buffer.from(tensor()).toString('latin1');
  // What stands between the function's name and the final REDUCE is the tuple of its arguments.
  const args = call.slice(call.indexOf('\n', call.indexOf('\n') + 1) + 1, -1);
  return concat(
    op.global('torch._tensor', '_rebuild_from_type_v2'),
    op.mark,
    op.global(makerModule, maker),
    op.global(module, name),
    args,
    op.dict,
    op.tuple,
    op.reduce,
  );
}
