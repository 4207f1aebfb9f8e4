import { BuildFailure, type FailureFacts } from '../domain/failures.ts';

/** Random access to a file, given from outside so that readers of formats stay free of the file system. */
export interface ByteSource {
  /** Absolute path, for messages and plans. */
  readonly file: string;
  /** Length of the file. */
  readonly bytes: number;
  /** Exactly `length` bytes from `offset`; callers ask only for ranges inside the file. */
  readonly read: (offset: number, length: number) => Promise<Uint8Array>;
}

/** Reads a range that a file's own headers claim; a claim beyond the file is WeightsCorrupt. */
export async function readRange(source: ByteSource, offset: number, length: number): Promise<Uint8Array> {
  const fits =
    offset >= 0 && length >= 0 && Number.isSafeInteger(offset + length) && offset + length <= source.bytes;
  if (!fits) {
    throw corruptAt(
      source.file,
      offset,
      `announces ${length} bytes there, but the file has only ${source.bytes}`,
    );
  }
  return source.read(offset, length);
}

/** WeightsCorrupt with the file and the byte where it was noticed. `problem` continues "FILE, byte N: ". */
export function corruptAt(file: string, offset: number, problem: string): BuildFailure {
  return new BuildFailure('WeightsCorrupt', `${baseName(file)}, byte ${offset}: ${problem}`, {
    details: { file, offset },
  });
}

/** WeightsUnsupported with the file and the byte where the feature was met. */
export function unsupportedAt(
  place: { file: string; offset: number },
  problem: string,
  facts: FailureFacts = {},
): BuildFailure {
  const { file, offset } = place;
  return new BuildFailure('WeightsUnsupported', `${baseName(file)}, byte ${offset}: ${problem}`, {
    ...facts,
    details: { ...facts.details, file, offset },
  });
}

export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
