import { isBuildFailure, type BuildFailure } from '../domain/failures.ts';
import { corruptAt } from './byte-source.ts';

/** Reads little-endian fields one after the other; reading past the end is WeightsCorrupt with the file's offset. */
export class ByteCursor {
  readonly file: string;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  /** Offset of `bytes[0]` in the file, for messages. */
  readonly #base: number;
  #at = 0;

  constructor(bytes: Uint8Array, place: { readonly file: string; readonly base: number }) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.file = place.file;
    this.#base = place.base;
  }

  /** Position within the bytes given. */
  get position(): number {
    return this.#at;
  }

  /** Position in the file. */
  get offset(): number {
    return this.#base + this.#at;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }

  i32(): number {
    return this.#view.getInt32(this.#advance(4), true);
  }

  /** A size or offset; beyond 2^53 no file can hold it. */
  u64(): number {
    const value = this.#view.getBigUint64(this.#advance(8), true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER))
      throw corruptAt(this.file, this.offset - 8, `${value} is no possible size`);
    return Number(value);
  }

  /** IEEE 754, big-endian: the one big-endian field in pickle. */
  f64BigEndian(): number {
    return this.#view.getFloat64(this.#advance(8), false);
  }

  take(length: number): Uint8Array {
    const from = this.#advance(length);
    return this.#bytes.subarray(from, from + length);
  }

  text(length: number): string {
    const from = this.offset;
    return decodeUtf8(this.take(length), { file: this.file, offset: from });
  }

  /** Text up to a newline, which is consumed but not returned. */
  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#at);
    if (end < 0) throw endsEarly(this.file, this.offset, 'a line has no end');
    const text = this.text(end - this.#at);
    this.#at += 1;
    return text;
  }

  #advance(length: number): number {
    if (length > this.remaining) {
      throw endsEarly(
        this.file,
        this.offset,
        `ends early: ${length} more bytes expected, ${this.remaining} there`,
      );
    }
    const from = this.#at;
    this.#at += length;
    return from;
  }
}

const early = new WeakSet<BuildFailure>();

function endsEarly(file: string, offset: number, problem: string): BuildFailure {
  const failure = corruptAt(file, offset, problem);
  early.add(failure);
  return failure;
}

/** Whether a cursor met the end of its bytes, so that more of them could have helped. */
export function isEndedEarly(error: unknown): boolean {
  return isBuildFailure(error) && early.has(error);
}

/** Strict UTF-8; anything else is WeightsCorrupt. */
export function decodeUtf8(
  bytes: Uint8Array,
  place: { readonly file: string; readonly offset: number },
): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw corruptAt(place.file, place.offset, 'is not valid UTF-8');
  }
}
