import { convertFloats } from './gguf/convert-floats.ts';
import { dtypeBits, isFloatDtype, type TensorDtype } from './tensor.ts';

/** How far two tensors of one dtype and shape are apart. */
export interface ItemDifferences {
  readonly items: number;
  /** Items whose bits differ: 0 and −0 do, two NaN of the same bits do not. */
  readonly different: number;
  /** Largest distance where both values are finite; null when there are none or the dtype is no float. */
  readonly maxAbs: number | null;
}

/**
 * Counts over two runs of whole items of equal length, little-endian, each at a multiple of the item size in its
 * buffer. Items of less than a byte are counted as bytes.
 */
export function countDifferences(a: Uint8Array, b: Uint8Array, dtype: TensorDtype): ItemDifferences {
  const itemBytes = Math.max(1, Math.floor(dtypeBits[dtype] / 8));
  const [ones, others] = isFloatDtype(dtype) ? [toValues(a, dtype), toValues(b, dtype)] : [];
  const differsAt = (item: number): boolean => {
    for (let at = item * itemBytes; at < (item + 1) * itemBytes; at += 1) if (a[at] !== b[at]) return true;
    return false;
  };
  let different = 0;
  let maxAbs: number | null = null;
  for (let item = 0; item < a.length / itemBytes; item += 1) {
    if (!differsAt(item)) continue;
    different += 1;
    const distance = Math.abs((ones?.[item] ?? NaN) - (others?.[item] ?? NaN));
    if (Number.isFinite(distance)) maxAbs = Math.max(maxAbs ?? 0, distance);
  }
  return { items: a.length / itemBytes, different, maxAbs };
}

/** The sum of two counts, of parts of one tensor. */
export function addDifferences(one: ItemDifferences, other: ItemDifferences): ItemDifferences {
  const maxima = [one.maxAbs, other.maxAbs].filter((value) => value !== null);
  return {
    items: one.items + other.items,
    different: one.different + other.different,
    maxAbs: maxima.length === 0 ? null : Math.max(...maxima),
  };
}

function toValues(bytes: Uint8Array, dtype: 'F64' | 'F32' | 'F16' | 'BF16'): Float64Array | Float32Array {
  if (dtype === 'F64') return new Float64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 8);
  const { bytes: singles } = convertFloats(bytes, dtype, 'F32');
  return new Float32Array(singles.buffer, singles.byteOffset, singles.byteLength / 4);
}
