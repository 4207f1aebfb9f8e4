import { halfToSingle, singleToHalf } from './float-bits.ts';

/** Rows of integer codes with the scales they share: Ŵ = scale · code. */
export interface CodedRows {
  readonly rows: number;
  /** A multiple of 32. */
  readonly columns: number;
  /** Signed, row-major. */
  readonly codes: Int8Array;
  /** Bits of binary16, [rows, groups]. */
  readonly scales: Uint16Array;
  readonly groups: number;
}

export type BlockType = 'Q4_0' | 'Q8_0';

/** Columns of one ggml block. */
export const blockColumns = 32;

/**
 * Codes as ggml's blocks of 32: a binary16 scale, then the codes (`block_q4_0` and `block_q8_0`, ggml-org/ggml
 * src/ggml-common.h). A scale that more than 32 columns share is repeated, so nothing is rounded. Q4_0 holds code + 8,
 * the first 16 in the low nibbles.
 */
export function packBlocks(type: BlockType, coded: CodedRows): Uint8Array {
  const { rows, columns, groups } = coded;
  const perRow = columns / blockColumns;
  const blockBytes = type === 'Q4_0' ? 18 : 34;
  const bytes = new Uint8Array(rows * perRow * blockBytes);
  const view = new DataView(bytes.buffer);
  for (let block = 0; block < rows * perRow; block++) {
    const row = Math.floor(block / perRow);
    const group = Math.floor(((block % perRow) * groups) / perRow);
    const at = block * blockBytes;
    view.setUint16(at, coded.scales[row * groups + group] ?? 0, true);
    const codes = coded.codes.subarray(block * blockColumns, (block + 1) * blockColumns);
    if (type === 'Q4_0') packNibbles(codes, bytes.subarray(at + 2, at + blockBytes));
    else bytes.set(new Uint8Array(codes.buffer, codes.byteOffset, codes.length), at + 2);
  }
  return bytes;
}

function packNibbles(codes: Int8Array, into: Uint8Array): void {
  const half = blockColumns / 2;
  for (let at = 0; at < half; at++)
    into[at] = (((codes[at] ?? 0) + 8) & 0xf) | ((((codes[at + half] ?? 0) + 8) & 0xf) << 4);
}

/** Scales as bits of binary16; undefined when one of them is no binary16 number. */
export function halfScales(scales: Float32Array): Uint16Array | undefined {
  const singles = new Uint32Array(scales.buffer, scales.byteOffset, scales.length);
  const halves = Uint16Array.from(singles, singleToHalf);
  return halves.every((half, index) => halfToSingle(half) === singles[index]) ? halves : undefined;
}
