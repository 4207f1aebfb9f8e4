// Packing of integer codes: signed, one a byte, to the layouts of checkpoints. CodeLayout says
// what they are; sources: compressed-tensors compressors/quantized_compressors/pack_quantized.py, AutoGPTQ's
// qlinear, AutoAWQ's awq/utils/packing_utils.py.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

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

/// Packs a matrix whose words run across its rows (codes and zeros of gptq and awq; zeros of packed-in) from blocks of
/// rows, so that nothing but the packed words is held at once. The shape must fill its words, as plans are checked for.
class AcrossPacker {
 public:
  AcrossPacker(QuantizedPart part, CodeLayout layout, unsigned bits, std::size_t rows, std::size_t columns);

  /// All columns of some rows. Each row once, in any order.
  void add(const CodeMatrix& block, std::size_t firstRow);
  /// Everything at once.
  void write(const ByteSink& sink) const;

 private:
  /// Words of codes that are neighbours in a row.
  void addAlong(const CodeMatrix& block, std::size_t firstRow);
  /// Words of codes that stand one below the other.
  void addDown(const CodeMatrix& block, std::size_t firstRow);

  QuantizedPart part_;
  CodeLayout layout_;
  unsigned bits_;
  std::size_t rows_;
  std::size_t columns_;
  std::vector<std::uint32_t> words_;
  /// The words of some rows, column by column, before they take their places.
  std::vector<std::uint32_t> line_;
};

/// A whole matrix as an AcrossPacker does it, or as Bytes.
void packAcross(QuantizedPart part, const CodeMatrix& matrix, CodeLayout layout, unsigned bits,
                const ByteSink& sink);

}  // namespace enginewright
