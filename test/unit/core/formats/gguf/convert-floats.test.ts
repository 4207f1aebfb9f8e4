import { describe, expect, it } from 'vitest';
import { convertFloats } from '../../../../../core/formats/gguf/convert-floats.ts';
import {
  bfloatToSingle,
  bitsOfSingle,
  halfToSingle,
  singleOfBits,
  singleToBfloat,
  singleToHalf,
} from '../../../../../core/formats/gguf/float-bits.ts';

const everyWord = Array.from({ length: 0x10000 }, (_, bits) => bits);
const half = (value: number) => singleToHalf(bitsOfSingle(value));
const bfloat = (value: number) => singleToBfloat(bitsOfSingle(value));

describe('halves', () => {
  it('come back unchanged from singles, every one of them', () => {
    // A signalling NaN becomes quiet.
    const quiet = (bits: number) => ((bits & 0x7fff) > 0x7c00 ? bits | 0x200 : bits);

    expect(everyWord.filter((bits) => singleToHalf(halfToSingle(bits)) !== quiet(bits))).toEqual([]);
  });

  it('have the values IEEE 754 gives them', () => {
    expect(singleOfBits(halfToSingle(0x3c00))).toBe(1);
    expect(singleOfBits(halfToSingle(0xc000))).toBe(-2);
    expect(singleOfBits(halfToSingle(0x7bff))).toBe(65504);
    expect(singleOfBits(halfToSingle(0x0001))).toBe(2 ** -24);
    expect(singleOfBits(halfToSingle(0x03ff))).toBe(1023 * 2 ** -24);
  });

  it('round to the nearest, ties to even, at every boundary between neighbours', () => {
    const isWrong = (bits: number) => {
      const [low, high] = [singleOfBits(halfToSingle(bits)), singleOfBits(halfToSingle(bits + 1))];
      // The middle of two halves is a single, so this is exact.
      const middle = bitsOfSingle((low + high) / 2);
      const found = [middle - 1, middle, middle + 1].map(singleToHalf);
      return found[0] !== bits || found[1] !== bits + (bits % 2) || found[2] !== bits + 1;
    };

    expect(everyWord.slice(0, 0x7bff).filter(isWrong)).toEqual([]);
  });

  it('overflow to infinity from 65520 on and underflow to a signed zero', () => {
    expect(half(65519.99)).toBe(0x7bff);
    expect(half(65520)).toBe(0x7c00);
    expect(half(-1e9)).toBe(0xfc00);
    expect(half(2 ** -25)).toBe(0);
    expect(half(-(2 ** -26))).toBe(0x8000);
    expect(half(Number.NaN) & 0x7fff).toBeGreaterThan(0x7c00);
  });
});

describe('bfloats', () => {
  it('come back unchanged from singles unless they are signalling NaNs', () => {
    const quiet = (bits: number) => ((bits & 0x7fff) > 0x7f80 ? bits | 0x40 : bits);

    expect(everyWord.filter((bits) => singleToBfloat(bfloatToSingle(bits)) !== quiet(bits))).toEqual([]);
  });

  it('round ties to even on both sides of zero', () => {
    expect(bfloat(1 + 2 ** -8)).toBe(0x3f80);
    expect(bfloat(1 + 3 * 2 ** -8)).toBe(0x3f82);
    expect(bfloat(-(1 + 3 * 2 ** -8))).toBe(0xbf82);
    expect(singleToBfloat(0x7f7fffff)).toBe(0x7f80);
  });
});

describe('convertFloats', () => {
  it('passes the same type through without a copy', () => {
    const bytes = Uint8Array.of(1, 2, 3, 4);

    expect(convertFloats(bytes, 'F16', 'F16').bytes).toBe(bytes);
  });

  it('counts finite values that no longer fit, but not infinities that were there before', () => {
    const source = new Uint8Array(Float32Array.of(1, 70000, -70000, Infinity).buffer);

    const { bytes, overflowed } = convertFloats(source, 'F32', 'F16');

    expect([...new Uint16Array(bytes.buffer)]).toEqual([0x3c00, 0x7c00, 0xfc00, 0x7c00]);
    expect(overflowed).toBe(2);
  });

  it('rounds doubles through single precision', () => {
    const source = new Uint8Array(Float64Array.of(1 / 3, -0).buffer);

    const { bytes } = convertFloats(source, 'F64', 'F32');

    expect([...new Float32Array(bytes.buffer)]).toEqual([Math.fround(1 / 3), -0]);
  });
});
