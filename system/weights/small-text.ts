import { BuildFailure } from '../../core/domain/failures.ts';
import { decodeUtf8 } from '../../core/formats/byte-cursor.ts';
import { withByteFile } from './byte-file.ts';

/** Above every tokenizer.json in use; configs have kilobytes. */
const maxTextBytes = 64_000_000;

/**
 * A text file beside the weights, whole. Throws WeightsMissing if there is none, WeightsUnsupported if it is longer than
 * `maxBytes`, WeightsCorrupt if it is no UTF-8.
 */
export async function readSmallText(path: string, maxBytes = maxTextBytes): Promise<string> {
  return withByteFile(path, async (source) => {
    if (source.bytes > maxBytes)
      throw new BuildFailure(
        'WeightsUnsupported',
        `${source.file} has ${source.bytes} bytes, more than ${maxBytes}`,
      );
    const bytes = await source.read(0, source.bytes);
    return decodeUtf8(bytes, { file: source.file, offset: 0 });
  });
}
