import type { FloatDtype } from '../../../../core/domain/weights-plan.ts';

const formats = { F16: { mantissa: 10, smallest: -14 }, BF16: { mantissa: 7, smallest: -126 } } as const;

/** The value of `dtype` nearest to `value`, ties to even, by arithmetic on whole units instead of bits. */
export function roundTo(dtype: FloatDtype, value: number): number {
  if (dtype === 'F64') return value;
  if (dtype === 'F32') return Math.fround(value);
  const { mantissa, smallest } = formats[dtype];
  if (value === 0) return value;
  const exponent = Math.max(smallest, exponentOf(Math.abs(value)));
  const unit = 2 ** (exponent - mantissa);
  return nearestEven(value / unit) * unit;
}

function exponentOf(magnitude: number): number {
  const guess = Math.floor(Math.log2(magnitude));
  if (2 ** guess > magnitude) return guess - 1;
  return 2 ** (guess + 1) <= magnitude ? guess + 1 : guess;
}

function nearestEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}

/** Little-endian bytes of values that `dtype` holds exactly. */
export function encode(dtype: FloatDtype, values: readonly number[]): Buffer {
  const size = dtype === 'F64' ? 8 : dtype === 'F32' ? 4 : 2;
  const bytes = Buffer.alloc(values.length * size);
  for (const [index, value] of values.entries()) {
    if (dtype === 'F64') bytes.writeDoubleLE(value, index * 8);
    else if (dtype === 'F32') bytes.writeFloatLE(value, index * 4);
    else bytes.writeUInt16LE(dtype === 'F16' ? halfBits(value) : bfloatBits(value), index * 2);
  }
  return bytes;
}

function bfloatBits(value: number): number {
  const float = Buffer.alloc(4);
  float.writeFloatBE(value);
  return float.readUInt16BE();
}

function halfBits(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (magnitude < 2 ** -14) return sign + magnitude * 2 ** 24;
  const exponent = exponentOf(magnitude);
  return sign + (exponent + 15) * 1024 + (magnitude / 2 ** exponent - 1) * 1024;
}
