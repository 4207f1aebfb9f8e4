import { BuildFailure } from '../../domain/failures.ts';
import { ByteWriter } from '../byte-writer.ts';
import { countItems, rowMajorStrides, type TensorSpec } from '../tensor.ts';
import { storageClasses, torchDtypes, torchItemBytes, toTorchShape } from './torch-dtypes.ts';

/** A tensor that fills the storage with this key from its first item. */
export interface StoredSpec extends TensorSpec {
  readonly storageKey: string;
}

const classOf = new Map([...storageClasses].map(([name, dtype]) => [dtype, name]));
const torchNameOf = new Map([...torchDtypes].map(([name, dtype]) => [dtype, name]));

/**
 * `data.pkl` of a state dict: protocol 2, a plain dict of name → tensor without gradient, as torch 1.13 and later load
 * it with `weights_only=True`. dtypes that have no storage class (fp8, unsigned) use `_rebuild_tensor_v3`, which older
 * torch versions lack. WeightsUnsupported for dtypes torch does not have.
 */
export function writeStateDictPickle(tensors: readonly StoredSpec[]): Uint8Array {
  const writer = new ByteWriter().u8(0x80).u8(2).text('}(');
  for (const tensor of tensors) {
    writeText(writer, tensor.name);
    writeTensor(writer, tensor);
  }
  return writer.text('u.').toBytes();
}

function writeTensor(writer: ByteWriter, tensor: StoredSpec): void {
  const storageClass = classOf.get(tensor.dtype);
  const isTyped = storageClass !== undefined;
  writeGlobal(writer, 'torch._utils', isTyped ? '_rebuild_tensor_v2' : '_rebuild_tensor_v3');
  writer.text('(');
  writeStorage(writer, tensor, storageClass);
  writeInteger(writer, 0); // storage offset
  const shape = torchShape(tensor);
  writeSizes(writer, shape);
  writeSizes(writer, rowMajorStrides(shape));
  writer.u8(0x89); // requires_grad: False
  writeGlobal(writer, 'collections', 'OrderedDict');
  writer.text(')R'); // no hooks
  if (!isTyped) writeGlobal(writer, 'torch', torchName(tensor));
  writer.text('tR');
}

function writeStorage(writer: ByteWriter, tensor: StoredSpec, storageClass: string | undefined): void {
  const items = countItems(torchShape(tensor)) ?? 0;
  writer.text('(');
  writeText(writer, 'storage');
  if (storageClass === undefined) writeGlobal(writer, 'torch.storage', 'UntypedStorage');
  else writeGlobal(writer, 'torch', storageClass);
  writeText(writer, tensor.storageKey);
  writeText(writer, 'cpu');
  writeInteger(writer, storageClass === undefined ? items * (torchItemBytes(tensor.dtype) ?? 0) : items);
  writer.text('tQ');
}

function torchName({ name, dtype }: TensorSpec): string {
  const torchDtype = torchNameOf.get(dtype);
  if (torchDtype !== undefined) return torchDtype;
  throw new BuildFailure('WeightsUnsupported', `Tensor ${name} is ${dtype}, which torch has no dtype for`, {
    hint: 'Keep these weights as safetensors.',
  });
}

function torchShape({ name, dtype, shape }: TensorSpec): readonly number[] {
  const known = toTorchShape(dtype, shape);
  if (known !== undefined) return known;
  throw new BuildFailure(
    'WeightsUnsupported',
    `Tensor ${name} is ${dtype} [${shape.join(', ')}], and torch packs two items along an even last dimension`,
    { hint: 'Keep these weights as safetensors.' },
  );
}

function writeSizes(writer: ByteWriter, sizes: readonly number[]): void {
  writer.text('(');
  for (const size of sizes) writeInteger(writer, size);
  writer.text('t');
}

function writeGlobal(writer: ByteWriter, module: string, name: string): void {
  writer.text(`c${module}\n${name}\n`);
}

function writeText(writer: ByteWriter, text: string): void {
  const bytes = new TextEncoder().encode(text);
  writer.text('X').u32(bytes.length).bytes(bytes);
}

/** The shortest opcode, as CPython's pickler chooses it. Never negative here. */
function writeInteger(writer: ByteWriter, value: number): void {
  if (value <= 0xff) writer.text('K').u8(value);
  else if (value <= 0xffff) writer.text('M').u16(value);
  else if (value <= 0x7fffffff) writer.text('J').u32(value);
  else writer.u8(0x8a).u8(8).u64(value);
}
