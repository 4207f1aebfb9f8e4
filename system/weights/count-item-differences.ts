import {
  addDifferences,
  countDifferences,
  type ItemDifferences,
} from '../../core/formats/count-differences.ts';
import type { WeightTensor } from '../../core/formats/tensor.ts';
import { withByteFile } from './byte-file.ts';

// A multiple of every item size.
const blockBytes = 1 << 22;

/** Reads two contiguous tensors of one dtype and shape side by side; undefined where one is a strided view. */
export async function countItemDifferences(
  a: WeightTensor,
  b: WeightTensor,
  signal: AbortSignal,
): Promise<ItemDifferences | undefined> {
  if (a.strides !== undefined || b.strides !== undefined) return undefined;
  return withByteFile(a.file, (one) =>
    withByteFile(b.file, async (other) => {
      let sum: ItemDifferences = { items: 0, different: 0, maxAbs: null };
      for (let at = 0; at < a.bytes; at += blockBytes) {
        signal.throwIfAborted();
        const length = Math.min(blockBytes, a.bytes - at);
        const [left, right] = await Promise.all([
          one.read(a.offset + at, length),
          other.read(b.offset + at, length),
        ]);
        sum = addDifferences(sum, countDifferences(left, right, a.dtype));
      }
      return sum;
    }),
  );
}
