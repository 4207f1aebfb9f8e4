import { isEndedEarly } from '../byte-cursor.ts';
import { corruptAt, readRange, unsupportedAt, type ByteSource } from '../byte-source.ts';
import { PickleDict, PickleList, type PickleValue } from './pickle-values.ts';
import { readPickle } from './read-pickle.ts';
import { maxPickleBytes } from './read-torch-archive.ts';
import { readStateDict, type StoragePlace, type TorchWeights } from './state-dict.ts';
import { TorchHost } from './torch-host.ts';

// pickle.dumps(0x1950a86a20f9469cfc6c, protocol=2): torch/serialization.py, MAGIC_NUMBER.
const magicPickle = [
  0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e,
];
const legacyProtocol = 1001;
const firstReadBytes = 1 << 17;
// Large steps: what a shorter reading made is thrown away.
const readGrowth = 64;

export function isLegacyTorchFile(head: Uint8Array): boolean {
  return magicPickle.every((byte, index) => head[index] === byte);
}

/**
 * The form of torch 0.1.10 to 1.5 (torch/serialization.py, `_legacy_save`): five pickles (magic, protocol, system,
 * object, storage keys), then for every key its number of items as i64 and its bytes, to the end of the file.
 */
export async function readLegacyTorchFile(source: ByteSource, root?: string): Promise<TorchWeights> {
  const { values, host, end } = await readPickles(source);
  const [, protocol, system, state, keys] = values;
  if (protocol !== legacyProtocol)
    throw corruptAt(source.file, 0, 'has another protocol than the legacy one');
  if (system instanceof PickleDict && system.entries.get('little_endian') === false) {
    throw unsupportedAt({ file: source.file, offset: 0 }, 'its numbers are big-endian');
  }
  const offsets = await locateStorages(source, { host, keys, end });
  const locate = (storage: { readonly key: string }): StoragePlace => {
    const offset = offsets.get(storage.key);
    if (offset === undefined)
      throw corruptAt(source.file, end, `storage ${storage.key.slice(0, 200)} has no bytes`);
    return { offset };
  };
  return readStateDict(state ?? null, { file: source.file, root, locate });
}

interface LegacyPickles {
  readonly values: readonly PickleValue[];
  readonly host: TorchHost;
  /** Offset of the first byte after the pickles. */
  readonly end: number;
}

/** A pickle does not announce its length, so more is read until all five are complete. */
async function readPickles(source: ByteSource): Promise<LegacyPickles> {
  for (let window = firstReadBytes; ; window *= readGrowth) {
    const length = Math.min(source.bytes, window, maxPickleBytes);
    const bytes = await readRange(source, 0, length);
    try {
      return parsePickles(bytes, source.file);
    } catch (error) {
      if (!isEndedEarly(error) || length === source.bytes || length === maxPickleBytes) throw error;
    }
  }
}

function parsePickles(bytes: Uint8Array, file: string): LegacyPickles {
  const host = new TorchHost(file);
  const values: PickleValue[] = [];
  let end = 0;
  for (let count = 0; count < 5; count += 1) {
    const reading = readPickle(bytes.subarray(end), { file, base: end }, host);
    values.push(reading.value);
    end += reading.bytes;
  }
  return { values, host, end };
}

interface StoragePlan {
  readonly host: TorchHost;
  readonly keys: PickleValue | undefined;
  readonly end: number;
}

async function locateStorages(
  source: ByteSource,
  { host, keys, end }: StoragePlan,
): Promise<Map<string, number>> {
  const offsets = new Map<string, number>();
  let at = end;
  for (const key of keys instanceof PickleList ? keys.items : []) {
    const storage = typeof key === 'string' ? host.storages.get(key) : undefined;
    if (storage === undefined || offsets.has(storage.key))
      throw corruptAt(source.file, at, 'lists a storage no tensor has, or one twice');
    const prefix = await readRange(source, at, 8);
    const items = new DataView(prefix.buffer, prefix.byteOffset).getBigInt64(0, true);
    if (items !== BigInt(storage.items))
      throw corruptAt(
        source.file,
        at,
        `storage ${storage.key} has ${items} items, ${storage.items} were announced`,
      );
    offsets.set(storage.key, at + 8);
    at += 8 + storage.bytes;
  }
  if (at !== source.bytes) throw corruptAt(source.file, at, 'does not end with its last storage');
  return offsets;
}
