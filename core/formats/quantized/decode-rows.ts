import type { Nvfp4Linear, QuantizedLinear } from './quantized-linear.ts';

/** What all rows of a linear are decoded with. */
export interface SharedParts {
  /** What one step of a code is worth, [scale rows, groups]. */
  readonly scales: Float32Array;
  /** Signed, [rows, groups]. */
  readonly zeros?: Int8Array;
  /** The group of each column. */
  readonly groupIndex?: Int32Array;
}

/** Codes [rows, columns], row-major, from row `first` on: signed integers, bytes of e4m3, or e2m1 one a byte. */
export interface CodeRows {
  readonly first: number;
  readonly codes: Int8Array | Uint8Array;
}

/**
 * Ŵ [rows, columns] of the rows, each product rounded to single precision once, as the kernels of engines compute it
 * (of NVFP4 also the step before). What is not finite stays so.
 */
export function decodeRows(linear: QuantizedLinear, shared: SharedParts, given: CodeRows): Float32Array {
  const { columns } = linear;
  const values = new Float32Array(given.codes.length);
  const [down, along] = blockOf(linear);
  const width = along === null ? 1 : Math.ceil(columns / along);
  const places = shared.groupIndex ?? placesOf(columns, along);
  const table = tables[linear.kind];
  for (let at = 0, row = given.first; at < values.length; at += columns, row += 1) {
    const line: Line = {
      codes: given.codes.subarray(at, at + columns),
      values: values.subarray(at, at + columns),
      first: down === null ? 0 : Math.floor(row / down) * width,
      places,
    };
    if (table === undefined) decodeIntegers(line, shared);
    else decodeFloats(line, shared, table);
  }
  return values;
}

/** One row. Of its scales, those at `first` + the place of each column belong to it. */
interface Line {
  readonly codes: Int8Array | Uint8Array;
  readonly values: Float32Array;
  readonly first: number;
  readonly places: Int32Array;
}

function decodeIntegers({ codes, values, first, places }: Line, { scales, zeros }: SharedParts): void {
  for (let column = 0; column < values.length; column += 1) {
    const group = first + (places[column] ?? 0);
    const zero = zeros === undefined ? 0 : (zeros[group] ?? 0);
    values[column] = (scales[group] ?? Number.NaN) * ((codes[column] ?? 0) - zero);
  }
}

function decodeFloats(
  { codes, values, first, places }: Line,
  { scales }: SharedParts,
  table: Float32Array,
): void {
  for (let column = 0; column < values.length; column += 1) {
    const scale = scales[first + (places[column] ?? 0)] ?? Number.NaN;
    values[column] = scale * (table[codes[column] ?? 0] ?? Number.NaN);
  }
}

/** Rows × columns that share a scale, null for all of them. */
function blockOf(linear: QuantizedLinear): readonly [number | null, number | null] {
  if (linear.kind === 'fp8') return linear.block;
  return [1, linear.kind === 'integer' ? linear.group : nvfp4Group];
}

const nvfp4Group = 16;

/** Which scale of its row belongs to each column, when columns are grouped in their order. */
function placesOf(columns: number, group: number | null): Int32Array {
  return Int32Array.from({ length: columns }, (_, column) =>
    group === null ? 0 : Math.floor(column / group),
  );
}

/** What one step of e2m1 is worth in each group of 16 columns, from the stored scales. */
export function nvfp4Steps(
  { reciprocal }: Nvfp4Linear,
  scales: Float32Array,
  tensorScale: number,
): Float32Array {
  return scales.map((scale) => (reciprocal ? scale / tensorScale : scale * tensorScale));
}

/** OFP8: a sign, four bits of exponent with a bias of 7, three of mantissa; no infinities, 0x7f and 0xff are NaN. */
export const e4m3Values = Float32Array.from({ length: 256 }, (_, bits) => {
  const [sign, exponent, mantissa] = [bits & 0x80 ? -1 : 1, (bits >> 3) & 15, bits & 7];
  if (exponent === 15 && mantissa === 7) return Number.NaN;
  return sign * (exponent === 0 ? mantissa * 2 ** -9 : (1 + mantissa / 8) * 2 ** (exponent - 7));
});

/** FP4 of the OCP's MX formats; bit 3 is the sign. */
const e2m1Values = Float32Array.of(0, 0.5, 1, 1.5, 2, 3, 4, 6, -0, -0.5, -1, -1.5, -2, -3, -4, -6);

const tables = { integer: undefined, fp8: e4m3Values, nvfp4: e2m1Values } as const;

/** Pairs of e2m1 codes, one a byte: the even column is in the low half. */
export function splitPairs(packed: Uint8Array): Uint8Array {
  const codes = new Uint8Array(packed.length * 2);
  for (const [at, byte] of packed.entries()) {
    codes[2 * at] = byte & 0xf;
    codes[2 * at + 1] = byte >> 4;
  }
  return codes;
}
