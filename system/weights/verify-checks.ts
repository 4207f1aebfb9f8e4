import { crc32 } from 'node:zlib';
import { corruptAt } from '../../core/formats/byte-source.ts';
import { checksOf } from '../../core/formats/input-checks.ts';
import type { WeightTensor } from '../../core/formats/tensor.ts';
import { withByteFile } from './byte-file.ts';

const blockBytes = 1 << 22;

/** For readers that do without the executable: WeightsCorrupt if bytes of these tensors are not those that were stored. */
export async function verifyChecks(tensors: readonly WeightTensor[], signal: AbortSignal): Promise<void> {
  for (const check of checksOf(tensors)) {
    await withByteFile(check.file, async ({ file, read }) => {
      let sum = 0;
      for (let done = 0; done < check.bytes; done += blockBytes) {
        signal.throwIfAborted();
        sum = crc32(await read(check.offset + done, Math.min(blockBytes, check.bytes - done)), sum);
      }
      if (sum === check.crc32) return;
      throw corruptAt(file, check.offset, `${check.name} has another CRC-32 than the archive says`);
    });
  }
}
