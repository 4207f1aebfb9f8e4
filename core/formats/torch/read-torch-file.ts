import { corruptAt, readRange, unsupportedAt, type ByteSource } from '../byte-source.ts';
import { isLegacyTorchFile, readLegacyTorchFile } from './read-legacy-file.ts';
import { readTorchArchive } from './read-torch-archive.ts';
import type { TorchWeights } from './state-dict.ts';

const headBytes = 512;

/**
 * The tensor table of a file torch.save wrote, zip (since torch 1.6) or legacy, without running anything in it.
 * `root` names the key of the state dict in a training checkpoint. Throws WeightsCorrupt or WeightsUnsupported.
 */
export async function readTorchFile(source: ByteSource, root?: string): Promise<TorchWeights> {
  const head = await readRange(source, 0, Math.min(source.bytes, headBytes));
  if (startsWith(head, 'PK\x03\x04')) return readTorchArchive(source, root);
  if (isLegacyTorchFile(head)) return readLegacyTorchFile(source, root);
  const place = { file: source.file, offset: 0 };
  if (startsWith(head, 'version https://git-lfs')) {
    throw corruptAt(
      source.file,
      0,
      'is a Git LFS pointer, not the weights it points to; fetch it with git lfs pull',
    );
  }
  if (startsWith(head.subarray(257), 'ustar')) {
    throw unsupportedAt(
      place,
      'is a tar archive of torch before 0.1.10, which torch itself no longer loads safely',
    );
  }
  if (head[0] === 0x80) throw unsupportedAt(place, 'is a pickle, but none that torch.save wrote');
  throw corruptAt(source.file, 0, 'is no file that torch.save wrote');
}

function startsWith(bytes: Uint8Array, text: string): boolean {
  return (
    text.length <= bytes.length &&
    [...text].every((character, index) => bytes[index] === character.charCodeAt(0))
  );
}
