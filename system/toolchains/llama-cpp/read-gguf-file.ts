import { type GgufFile, readGguf } from '../../../core/formats/gguf/read-gguf.ts';
import { withByteFile } from '../../weights/byte-file.ts';

/** Header, metadata and tensor table of a GGUF file; see readGguf for the checks and failures. */
export function readGgufFile(path: string): Promise<GgufFile> {
  return withByteFile(path, readGguf);
}
