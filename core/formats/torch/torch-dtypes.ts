import { dtypeBits, type TensorDtype } from '../tensor.ts';

/** Storage classes torch has had from the start and the dtype they imply (torch/storage.py, `_dtype_to_storage_type_map`). */
export const storageClasses: ReadonlyMap<string, TensorDtype> = new Map([
  ['DoubleStorage', 'F64'],
  ['FloatStorage', 'F32'],
  ['HalfStorage', 'F16'],
  ['BFloat16Storage', 'BF16'],
  ['LongStorage', 'I64'],
  ['IntStorage', 'I32'],
  ['ShortStorage', 'I16'],
  ['CharStorage', 'I8'],
  ['ByteStorage', 'U8'],
  ['BoolStorage', 'BOOL'],
  ['ComplexFloatStorage', 'C64'],
]);

/** dtypes by the name torch pickles them under; the last ones have no storage class and need `_rebuild_tensor_v3`. */
export const torchDtypes: ReadonlyMap<string, TensorDtype> = new Map([
  ['float64', 'F64'],
  ['float32', 'F32'],
  ['float16', 'F16'],
  ['bfloat16', 'BF16'],
  ['int64', 'I64'],
  ['int32', 'I32'],
  ['int16', 'I16'],
  ['int8', 'I8'],
  ['uint8', 'U8'],
  ['bool', 'BOOL'],
  ['complex64', 'C64'],
  ['uint16', 'U16'],
  ['uint32', 'U32'],
  ['uint64', 'U64'],
  ['float8_e4m3fn', 'F8_E4M3'],
  ['float8_e5m2', 'F8_E5M2'],
  ['float8_e4m3fnuz', 'F8_E4M3FNUZ'],
  ['float8_e5m2fnuz', 'F8_E5M2FNUZ'],
  ['float8_e8m0fnu', 'F8_E8M0'],
  ['float4_e2m1fn_x2', 'F4'],
]);

/** dtypes without a storage class and the first torch release that reads them. */
export const firstTorchWith: ReadonlyMap<TensorDtype, string> = new Map([
  ['F8_E4M3', '2.1'],
  ['F8_E5M2', '2.1'],
  ['F8_E4M3FNUZ', '2.2'],
  ['F8_E5M2FNUZ', '2.2'],
  ['U16', '2.3'],
  ['U32', '2.3'],
  ['U64', '2.3'],
  ['F8_E8M0', '2.7'],
  ['F4', '2.8'],
]);

/** Orders releases such as 2.8 and 2.10. */
export function compareReleases(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

const typesOfTorchAlone =
  /^(?:ComplexDoubleStorage|Q(?:Int8|UInt8|Int32|UInt4x2|UInt2x4)Storage|complex(?:32|128)|q(?:int|uint)\d.*|u?int[1-7]|bits\d.*)$/;

/** Whether a member of the module `torch` is a storage class or dtype that safetensors has no dtype for. */
export function isTypeOfTorchAlone(member: string): boolean {
  return typesOfTorchAlone.test(member);
}

/** Two F4 items are one item of torch's `float4_e2m1fn_x2`, along the last dimension. */
const packed: TensorDtype = 'F4';

/** Bytes of one item as torch counts sizes, strides and offsets; undefined for what torch has no dtype for. */
export function torchItemBytes(dtype: TensorDtype): number | undefined {
  if (dtype === packed) return 1;
  return dtypeBits[dtype] % 8 === 0 ? dtypeBits[dtype] / 8 : undefined;
}

/** A shape as torch has it, from one in items; undefined where two items to a byte do not fill the last dimension. */
export function toTorchShape(dtype: TensorDtype, shape: readonly number[]): readonly number[] | undefined {
  if (dtype !== packed) return shape;
  const last = shape.at(-1);
  return last === undefined || last % 2 !== 0 ? undefined : [...shape.slice(0, -1), last / 2];
}

/** A shape in items, from one as torch has it; undefined for a scalar of two items. */
export function fromTorchShape(dtype: TensorDtype, shape: readonly number[]): readonly number[] | undefined {
  if (dtype !== packed) return shape;
  const last = shape.at(-1);
  return last === undefined ? undefined : [...shape.slice(0, -1), last * 2];
}
