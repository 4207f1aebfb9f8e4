/**
 * Rounding between the float formats GGUF tensors use, on bit patterns and to nearest even (IEEE 754-2019 §4.3.1).
 * Overflow gives infinity; NaN stays NaN, quiet, with the top of its payload.
 */
const single = new Float32Array(1);
const singleBits = new Uint32Array(single.buffer);

/** The 32 bits of a single; `value` is rounded to single first. */
export function bitsOfSingle(value: number): number {
  single[0] = value;
  return singleBits[0] ?? 0;
}

export function singleOfBits(bits: number): number {
  singleBits[0] = bits;
  return single[0] ?? 0;
}

/** Bits of a half → bits of a single; exact. */
export function halfToSingle(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return (sign | 0x7f800000 | (fraction << 13)) >>> 0;
  if (exponent !== 0) return (sign | ((exponent + 112) << 23) | (fraction << 13)) >>> 0;
  // A subnormal half is fraction × 2^-24, which a single holds as a normal number.
  return (sign | bitsOfSingle(fraction * 2 ** -24)) >>> 0;
}

/** Bits of a single → bits of a half. */
export function singleToHalf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00 | ((magnitude >>> 13) & 0x3ff);
  // 65520 and beyond round away from the largest half, 65504.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude >= 0x38800000) return sign | roundOff(magnitude - 0x38000000, 13);
  // Below 2^-25 (its tie included) everything rounds to zero.
  if (magnitude <= 0x33000000) return sign;
  const fraction = (magnitude & 0x7fffff) | 0x800000;
  return sign | roundOff(fraction, 126 - (magnitude >>> 23));
}

/** Bits of a single → bits of a bfloat16. */
export function singleToBfloat(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

/** Bits of a bfloat16 → bits of a single; exact. */
export function bfloatToSingle(bfloat: number): number {
  return (bfloat << 16) >>> 0;
}

/** Drops `count` low bits, to nearest, ties to even. A carry into the exponent is what rounding up to a power means. */
function roundOff(value: number, count: number): number {
  const kept = value >>> count;
  const dropped = value & ((1 << count) - 1);
  const half = 1 << (count - 1);
  return dropped > half || (dropped === half && (kept & 1) === 1) ? kept + 1 : kept;
}
