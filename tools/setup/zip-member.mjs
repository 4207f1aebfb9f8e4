import { inflateRawSync } from 'node:zlib';

// ZIP as in PKWARE's APPNOTE.TXT 6.3: the end record points at the central directory, which points at each member.
// Only what a wheel needs: one volume, below 4 GiB, stored or deflated.
const endSignature = 0x06_05_4b_50;
const entrySignature = 0x02_01_4b_50;
const localSignature = 0x04_03_4b_50;
const endBytes = 22;
const entryBytes = 46;
const localBytes = 30;

/** Returns the bytes of one member of a ZIP archive; throws an Error when there is none of that name. */
export function readZipMember(archive, name) {
  const end = findEnd(archive);
  const count = archive.readUInt16LE(end + 10);
  let at = archive.readUInt32LE(end + 16);
  for (let index = 0; index < count; index += 1) {
    const entry = readEntry(archive, at);
    if (entry.name === name) return inflate(archive, entry);
    at = entry.next;
  }
  throw new Error(`the archive has no member ${name}`);
}

/** The end record is followed only by a comment of at most 65,535 bytes. */
function findEnd(archive) {
  const first = Math.max(0, archive.length - endBytes - 0xff_ff);
  for (let at = archive.length - endBytes; at >= first; at -= 1) {
    if (archive.readUInt32LE(at) === endSignature) return at;
  }
  throw new Error('not a ZIP archive');
}

function readEntry(archive, at) {
  if (at + entryBytes > archive.length || archive.readUInt32LE(at) !== entrySignature) {
    throw new Error('the directory of the ZIP archive is damaged');
  }
  const nameBytes = archive.readUInt16LE(at + 28);
  return {
    method: archive.readUInt16LE(at + 10),
    packedBytes: archive.readUInt32LE(at + 20),
    bytes: archive.readUInt32LE(at + 24),
    local: archive.readUInt32LE(at + 42),
    name: archive.toString('utf8', at + entryBytes, at + entryBytes + nameBytes),
    next: at + entryBytes + nameBytes + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32),
  };
}

function inflate(archive, { method, packedBytes, bytes, local, name }) {
  if (local + localBytes > archive.length || archive.readUInt32LE(local) !== localSignature) {
    throw new Error(`the header of ${name} is damaged`);
  }
  const start = local + localBytes + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
  const packed = archive.subarray(start, start + packedBytes);
  if (method !== 0 && method !== 8)
    throw new Error(`${name} is packed by method ${method}, which is not read here`);
  const content = method === 0 ? packed : inflateRawSync(packed, { maxOutputLength: bytes + 1 });
  if (content.length !== bytes)
    throw new Error(`${name} has ${content.length} bytes, not the announced ${bytes}`);
  return content;
}
