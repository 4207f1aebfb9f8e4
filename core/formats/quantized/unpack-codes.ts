import type { IntegerLinear } from './quantized-linear.ts';

/** Rows of a matrix; `rows` of them from `first` on. */
export interface RowRange {
  readonly first: number;
  readonly rows: number;
}

type Layout = IntegerLinear['layout'];
type Form = Pick<IntegerLinear, 'layout' | 'bits' | 'rows' | 'columns'>;

/** Whether a row of codes lies in one stretch of bytes; else it runs across the whole tensor. */
export function isRowMajor(layout: Layout): boolean {
  return layout === 'bytes' || layout === 'packed-in';
}

/**
 * Signed codes [range.rows, columns], row-major. `packed` holds the rows of the range if the layout is row-major, else
 * the whole tensor, at a multiple of four bytes in its buffer. The layouts are told at `CodeLayout`.
 */
export function unpackCodes(packed: Uint8Array, linear: Form, range: RowRange): Int8Array {
  const { layout, bits, rows, columns } = linear;
  const codes = new Int8Array(range.rows * columns);
  if (layout === 'bytes') codes.set(packed);
  else if (layout === 'packed-in') unpackRows(packed, linear, codes);
  else if (layout === 'awq') unpackAwq(wordsOf(packed), { ...range, stride: rows / 8 }, codes);
  else unpackLines(wordsOf(packed), { ...range, stride: rows, bits }, codes);
  return codes;
}

/** Signed zero points [rows, groups] of the whole matrix. */
export function unpackZeros(packed: Uint8Array, linear: Form, groups: number): Int8Array {
  const { layout, bits, rows } = linear;
  const zeros = new Int8Array(rows * groups);
  if (layout === 'bytes') zeros.set(packed);
  else if (layout === 'awq') unpackAwq(wordsOf(packed), { first: 0, rows, stride: rows / 8 }, zeros);
  else unpackZeroWords(wordsOf(packed), { ...linear, groups, bits }, zeros);
  return zeros;
}

function wordsOf(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}

/** Each row begins with a word of its own; bytes hold one or two codes, lowest bits first. */
function unpackRows(packed: Uint8Array, { bits, columns }: Form, codes: Int8Array): void {
  const rowBytes = Math.ceil((columns * bits) / 32) * 4;
  for (let row = 0; row * columns < codes.length; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const byte = packed[row * rowBytes + ((column * bits) >> 3)] ?? 0;
      const code = bits === 8 ? byte : (byte >> ((column & 1) * 4)) & 0xf;
      codes[row * columns + column] = code - (bits === 8 ? 128 : 8);
    }
  }
}

/** Words in a line of the tensor. */
type Across = RowRange & { readonly stride: number };

/** Lines of words with a word for each row: n columns of it, lowest bits first. */
function unpackLines(words: Uint32Array, across: Across & { readonly bits: 4 | 8 }, codes: Int8Array): void {
  const { first, rows, stride, bits } = across;
  const columns = codes.length / rows;
  const [perWord, mask, half] = [32 / bits, 2 ** bits - 1, 2 ** (bits - 1)];
  for (let line = 0; line * perWord < columns; line += 1) {
    for (let row = 0; row < rows; row += 1) {
      const word = words[line * stride + first + row] ?? 0;
      const at = row * columns + line * perWord;
      for (let slot = 0; slot < perWord; slot += 1)
        codes[at + slot] = ((word >>> (slot * bits)) & mask) - half;
    }
  }
}

/** Where in a word of AutoAWQ the code of row 8 c + index lies: nibble i is row [0, 2, 4, 6, 1, 3, 5, 7][i]. */
const awqShifts = [0, 16, 4, 20, 8, 24, 12, 28] as const;

/** A line of words for each column, a word for each eight rows. */
function unpackAwq(words: Uint32Array, { first, rows, stride }: Across, codes: Int8Array): void {
  const columns = codes.length / rows;
  for (let column = 0; column < columns; column += 1) {
    for (let row = 0; row < rows; row += 1) {
      const place = first + row;
      const word = words[column * stride + (place >> 3)] ?? 0;
      codes[row * columns + column] = ((word >>> (awqShifts[place & 7] ?? 0)) & 0xf) - 8;
    }
  }
}

/**
 * Zero points are packed along rows: in words [⌈rows / n⌉, groups], of gptq in [groups, rows / n]. AutoGPTQ's first
 * version stores one too little and lets 0 wrap around; its own reader adds one and masks (`qlinear_cuda.py`).
 */
function unpackZeroWords(
  words: Uint32Array,
  { layout, bits, rows, groups }: Form & { readonly groups: number },
  zeros: Int8Array,
): void {
  const [perWord, mask, half] = [32 / bits, 2 ** bits - 1, 2 ** (bits - 1)];
  const missing = layout === 'gptq-v1' ? 1 : 0;
  for (let row = 0; row < rows; row += 1) {
    const [line, slot] = [Math.floor(row / perWord), row % perWord];
    for (let group = 0; group < groups; group += 1) {
      const at = layout === 'packed-in' ? line * groups + group : group * (rows / perWord) + line;
      const code = ((words[at] ?? 0) >>> (slot * bits)) + missing;
      zeros[row * groups + group] = (code & mask) - half;
    }
  }
}
