/**
 * Reorders the rows of every attention head from Hugging Face's rotary layout (all first halves, then all second
 * halves) to the interleaved one that ggml's `GGML_ROPE_TYPE_NORMAL` rotates: row i of the first half goes to 2i, row
 * i of the second half to 2i + 1 (ggml-org/llama.cpp conversion/llama.py, `LlamaModel.permute`).
 * `rows` holds whole heads of `headRows` rows of `rowBytes` bytes each.
 */
export function interleaveHeads(rows: Uint8Array, headRows: number, rowBytes: number): Uint8Array {
  const result = new Uint8Array(rows.length);
  const half = headRows / 2;
  for (let head = 0; head < rows.length; head += headRows * rowBytes) {
    for (let row = 0; row < headRows; row += 1) {
      const from = head + ((row % 2) * half + (row >> 1)) * rowBytes;
      result.set(rows.subarray(from, from + rowBytes), head + row * rowBytes);
    }
  }
  return result;
}
