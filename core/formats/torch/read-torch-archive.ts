import { corruptAt, readRange, unsupportedAt, type ByteSource } from '../byte-source.ts';
import { crc32 } from './crc32.ts';
import { readPickle } from './read-pickle.ts';
import { readZipRecords, type ZipRecord } from './read-zip.ts';
import { readStateDict, type StoragePlace, type TorchWeights } from './state-dict.ts';
import { TorchHost } from './torch-host.ts';
import type { StorageSymbol } from './torch-symbols.ts';

/** About 300 bytes a tensor; nobody has two hundred thousand tensors in one file. */
export const maxPickleBytes = 64_000_000;

/** The zip form (torch/serialization.py, caffe2/serialize/inline_container.cc): ROOT/data.pkl and ROOT/data/KEY. */
export async function readTorchArchive(source: ByteSource, root?: string): Promise<TorchWeights> {
  const records = new Map((await readZipRecords(source)).map((record) => [record.name, record]));
  const folder = findFolder(records, source);
  await checkByteOrder(source, records.get(`${folder}/byteorder`));
  const pickle = records.get(`${folder}/data.pkl`);
  if (pickle === undefined) throw corruptAt(source.file, 0, 'the archive has no data.pkl');
  if (pickle.bytes > maxPickleBytes)
    throw unsupportedAt({ file: source.file, offset: pickle.offset }, `data.pkl has ${pickle.bytes} bytes`);
  const host = new TorchHost(source.file);
  const bytes = await readRecord(source, pickle);
  const reading = readPickle(bytes, { file: source.file, base: pickle.offset }, host);
  if (reading.bytes < bytes.length)
    throw corruptAt(source.file, pickle.offset + reading.bytes, 'data.pkl goes on after its end');
  const locate = (storage: StorageSymbol) =>
    locateStorage(records.get(`${folder}/data/${storage.key}`), storage, source);
  for (const storage of host.storages.values()) locate(storage);
  return readStateDict(reading.value, { file: source.file, root, locate });
}

/** A wrong sum parts readers that look at it from those that do not. */
async function readRecord(source: ByteSource, record: ZipRecord): Promise<Uint8Array> {
  const bytes = await readRange(source, record.offset, record.bytes);
  if (!hasSum(record) || record.crc32 === crc32(bytes)) return bytes;
  throw corruptAt(source.file, record.offset, `${record.name} has another CRC-32 than the archive says`);
}

/** Writers may switch it off and leave 0 (torch.serialization.set_crc32_options). */
function hasSum({ crc32, bytes }: ZipRecord): boolean {
  return crc32 !== 0 && bytes > 0;
}

function findFolder(records: ReadonlyMap<string, ZipRecord>, source: ByteSource): string {
  const folders = new Set([...records.keys()].map((name) => name.slice(0, name.indexOf('/'))));
  const [folder, other] = folders;
  if (folder === undefined || other !== undefined)
    throw corruptAt(source.file, 0, 'the archive needs exactly one folder at its top');
  const script = [...records.keys()].find(
    (name) => name === `${folder}/constants.pkl` || name.startsWith(`${folder}/code/`),
  );
  if (script !== undefined)
    throw unsupportedAt({ file: source.file, offset: 0 }, 'is a TorchScript program, not weights');
  return folder;
}

async function checkByteOrder(source: ByteSource, record: ZipRecord | undefined): Promise<void> {
  // Files before torch 2.1 lack the record and are little-endian.
  if (record === undefined) return;
  if (record.bytes > 16) throw corruptAt(source.file, record.offset, 'names no byte order');
  const order = String.fromCharCode(...(await readRecord(source, record)));
  if (order === 'little') return;
  if (order === 'big')
    throw unsupportedAt({ file: source.file, offset: record.offset }, 'its numbers are big-endian');
  throw corruptAt(source.file, record.offset, 'names no byte order');
}

function locateStorage(
  record: ZipRecord | undefined,
  storage: StorageSymbol,
  source: ByteSource,
): StoragePlace {
  if (record === undefined)
    throw corruptAt(source.file, 0, `the archive has no record for storage ${storage.key.slice(0, 200)}`);
  if (record.bytes !== storage.bytes) {
    throw corruptAt(
      source.file,
      record.offset,
      `storage ${storage.key} needs ${storage.bytes} bytes, its record has ${record.bytes}`,
    );
  }
  const { name, offset, bytes } = record;
  if (!hasSum(record)) return { offset };
  return { offset, check: { file: source.file, offset, bytes, crc32: record.crc32, name } };
}
