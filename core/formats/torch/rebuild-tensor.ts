import { corruptAt, unsupportedAt } from '../byte-source.ts';
import type { TensorDtype } from '../tensor.ts';
import { PickleDict, PickleTuple, type PickleValue } from './pickle-values.ts';
import { fromTorchShape, torchItemBytes } from './torch-dtypes.ts';
import { DtypeSymbol, StorageSymbol, TensorSymbol } from './torch-symbols.ts';

interface Place {
  readonly file: string;
  readonly offset: number;
}

// `conj` and `neg` (torch/_utils.py, `set_tensor_metadata`).
const maxFlags = 2;
// torch itself allows 64 dimensions; weights have at most five.
const maxDimensions = 64;
// An expanded view (stride 0) of one byte could announce terabytes; weights are not stored so.
const maxExpandedBytes = 2 ** 30;

/**
 * `_rebuild_tensor_v2(storage, storage_offset, size, stride, requires_grad, hooks[, metadata])` and `_v3`, which puts
 * the dtype after the hooks (torch/_utils.py). Proves that every item of the view lies inside its storage.
 */
export function rebuildTensor(args: readonly PickleValue[], place: Place): TensorSymbol {
  const [storage, storageOffset, size, stride, , , ...rest] = args;
  if (!(storage instanceof StorageSymbol))
    throw corruptAt(place.file, place.offset, 'a tensor has no storage');
  const shape = readSizes(size);
  const strides = readSizes(stride);
  if (
    !isSize(storageOffset) ||
    shape === undefined ||
    strides === undefined ||
    shape.length !== strides.length
  ) {
    throw corruptAt(place.file, place.offset, 'a tensor has a malformed offset, shape or stride');
  }
  refuseMetadata(rest, place);
  const dtype = chooseDtype(storage, rest, place);
  if (fromTorchShape(dtype, shape) === undefined)
    throw corruptAt(place.file, place.offset, `a tensor of ${dtype} has no dimension that holds its pairs`);
  const tensor = new TensorSymbol({ storage, dtype, storageOffset, shape, strides });
  checkBounds(tensor, dtype, place);
  return tensor;
}

function chooseDtype(storage: StorageSymbol, rest: readonly PickleValue[], place: Place): TensorDtype {
  const own = rest.find((item) => item instanceof DtypeSymbol)?.dtype;
  const dtype = own ?? storage.dtype;
  if (dtype === undefined)
    throw corruptAt(place.file, place.offset, 'a tensor over an untyped storage has no dtype');
  if (storage.dtype !== undefined && storage.dtype !== dtype) {
    throw corruptAt(place.file, place.offset, `a tensor of ${dtype} claims a storage of ${storage.dtype}`);
  }
  return dtype;
}

/** Lazy conjugation and negation would change the values that the bytes stand for. */
function refuseMetadata(rest: readonly PickleValue[], place: Place): void {
  const flagged = rest.some(
    (item) =>
      item instanceof PickleDict &&
      (item.entries.size > maxFlags || [...item.entries.values()].some((flag) => flag === true)),
  );
  if (flagged) throw unsupportedAt(place, 'a tensor carries a lazy conjugation or negation');
}

function checkBounds(tensor: TensorSymbol, dtype: TensorDtype, place: Place): void {
  const { shape, strides, storageOffset, storage } = tensor;
  const itemBytes = torchItemBytes(dtype) ?? NaN;
  const last = shape.reduce((sum, size, axis) => sum + (size - 1) * (strides[axis] ?? 0), storageOffset);
  const end = shape.includes(0) ? storageOffset : last + 1;
  if (!Number.isSafeInteger(end * itemBytes) || end * itemBytes > storage.bytes) {
    throw corruptAt(
      place.file,
      place.offset,
      `a tensor reaches to byte ${end * itemBytes} of a storage of ${storage.bytes}`,
    );
  }
  const bytes = shape.reduce((product, size) => product * size, itemBytes);
  if (!Number.isSafeInteger(bytes)) {
    throw corruptAt(place.file, place.offset, `a tensor has the impossible shape [${shape.join(', ')}]`);
  }
  if (bytes > Math.max(maxExpandedBytes, storage.bytes)) {
    throw unsupportedAt(place, `a tensor expands ${storage.bytes} bytes to ${bytes}`);
  }
}

function readSizes(value: PickleValue | undefined): number[] | undefined {
  if (!(value instanceof PickleTuple) || value.items.length > maxDimensions) return undefined;
  const sizes = value.items.filter(isSize);
  return sizes.length === value.items.length ? sizes : undefined;
}

function isSize(value: PickleValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
