import type { FloatDtype } from '../../domain/weights-plan.ts';
import { bfloatToSingle, halfToSingle, singleToBfloat, singleToHalf } from './float-bits.ts';

/** What a model's matrices are stored as. */
export type GgufFloatType = 'F32' | 'F16' | 'BF16';

export interface ConvertedFloats {
  readonly bytes: Uint8Array;
  /** Finite values that became infinite because the target's range is smaller. */
  readonly overflowed: number;
}

/**
 * Rounds little-endian floats from one format to another, to nearest even, through single precision as the reference
 * converter does. The same format is passed through. `bytes` must start at a multiple of the item size in its buffer.
 * Assumes a little-endian host, as all hosts of the supported toolchains are.
 */
export function convertFloats(bytes: Uint8Array, from: FloatDtype, to: GgufFloatType): ConvertedFloats {
  if (from === to) return { bytes, overflowed: 0 };
  if (from === 'F64') return convertSingles(singlesOfDoubles(bytes), to);
  if (from === 'F32')
    return convertSingles(new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4), to);
  const words = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2);
  return to === 'F32' ? widen(words, from) : convertWords(words, from, to);
}

function convertSingles(source: Uint32Array, to: GgufFloatType): ConvertedFloats {
  if (to === 'F32')
    return { bytes: new Uint8Array(source.buffer, source.byteOffset, source.byteLength), overflowed: 0 };
  const round = to === 'F16' ? singleToHalf : singleToBfloat;
  const infinity = infinityBits[to];
  const target = new Uint16Array(source.length);
  let overflowed = 0;
  for (let index = 0; index < source.length; index += 1) {
    const bits = source[index] ?? 0;
    const word = round(bits);
    if ((word & 0x7fff) === infinity && (bits & 0x7fffffff) !== 0x7f800000) overflowed += 1;
    target[index] = word;
  }
  return { bytes: new Uint8Array(target.buffer), overflowed };
}

function widen(source: Uint16Array, from: 'F16' | 'BF16'): ConvertedFloats {
  const table = singlesOf(from);
  const target = new Uint32Array(source.length);
  for (let index = 0; index < source.length; index += 1) target[index] = table[source[index] ?? 0] ?? 0;
  return { bytes: new Uint8Array(target.buffer), overflowed: 0 };
}

function convertWords(source: Uint16Array, from: 'F16' | 'BF16', to: 'F16' | 'BF16'): ConvertedFloats {
  const table = singlesOf(from);
  const singles = new Uint32Array(source.length);
  for (let index = 0; index < source.length; index += 1) singles[index] = table[source[index] ?? 0] ?? 0;
  return convertSingles(singles, to);
}

/** Doubles are rounded twice, to single and then further, like everywhere a double meets this converter. */
function singlesOfDoubles(bytes: Uint8Array): Uint32Array {
  const doubles = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 8);
  return new Uint32Array(Float32Array.from(doubles).buffer);
}

const infinityBits = { F16: 0x7c00, BF16: 0x7f80 } as const;
const tables = new Map<'F16' | 'BF16', Uint32Array>();

/** All 65,536 words of a 16-bit format as singles: a look-up beats the arithmetic by far. */
function singlesOf(format: 'F16' | 'BF16'): Uint32Array {
  const known = tables.get(format);
  if (known !== undefined) return known;
  const widenWord = format === 'F16' ? halfToSingle : bfloatToSingle;
  const table = Uint32Array.from({ length: 0x10000 }, (_, word) => widenWord(word));
  tables.set(format, table);
  return table;
}
