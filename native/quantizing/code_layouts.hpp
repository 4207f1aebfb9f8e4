// Packing of integer codes: signed, one a byte, to the layouts of checkpoints. CodeLayout says
// what they are; sources: compressed-tensors compressors/quantized_compressors/pack_quantized.py, AutoGPTQ's
// qlinear, AutoAWQ's awq/utils/packing_utils.py.
#pragma once

#include <cstddef>
#include <cstdint>

#include "quantizing/scheme.hpp"
#include "weights/tensor_stream.hpp"

namespace enginewright {

/// Codes (or zeros) of a matrix, row-major.
struct CodeMatrix {
  const std::int8_t* codes;
  std::size_t rows;
  std::size_t columns;
};

/// Codes to code + 2^(bits-1), `32 / bits` of them a word, lowest bits first; a row's last word is filled with 0.
void packRow(const std::int8_t* codes, std::size_t count, unsigned bits, std::uint32_t* words);

/// Whole rows of the row-major layouts: Bytes, PackedIn, ColumnPairs.
void packRows(const CodeMatrix& matrix, CodeLayout layout, unsigned bits, const ByteSink& sink);

/// A whole matrix of codes in a layout that runs across rows (gptq, awq), or a whole matrix of zeros in any.
void packAcross(QuantizedPart part, const CodeMatrix& matrix, CodeLayout layout, unsigned bits,
                const ByteSink& sink);

}  // namespace enginewright
