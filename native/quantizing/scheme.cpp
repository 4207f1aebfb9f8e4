#include "quantizing/scheme.hpp"

namespace enginewright {

std::uint64_t packedBytes(QuantizedPart part, CodeLayout layout, unsigned bits, std::uint64_t rows,
                          std::uint64_t columns) {
  const std::uint64_t n = 32 / bits;
  const auto words = [n](std::uint64_t count) { return (count + n - 1) / n; };
  switch (layout) {
    case CodeLayout::Bytes:
      return rows * columns;
    case CodeLayout::ColumnPairs:
      return rows * (columns / 2);
    case CodeLayout::PackedIn:
      return 4 * (part == QuantizedPart::Codes ? rows * words(columns) : words(rows) * columns);
    case CodeLayout::Awq:
      return 4 * columns * (rows / 8);
    case CodeLayout::GptqV1:
    case CodeLayout::GptqV2:
      return 4 * (part == QuantizedPart::Codes ? words(columns) * rows : columns * words(rows));
  }
  return 0;
}

std::uint64_t bytesOf(const QuantizePiece& piece) {
  const MatrixRange& matrix = piece.matrix;
  const std::uint64_t groups = groupsOf(piece.grid, matrix.columns);
  if (piece.part == QuantizedPart::TensorScale) return sizeof(float);
  if (piece.part == QuantizedPart::Codes) {
    return packedBytes(piece.part, piece.layout, piece.grid.bits, matrix.rows, matrix.columns);
  }
  if (piece.part == QuantizedPart::Zeros) {
    return packedBytes(piece.part, piece.layout, piece.grid.bits, matrix.rows, groups);
  }
  const std::uint64_t itemBytes = piece.grid.kind == GridKind::Nvfp4 ? 1 : bytesOf(piece.scaleDtype);
  return scaleRowsOf(piece.grid, matrix.rows) * groups * itemBytes;
}

std::uint64_t bytesOf(const PackPiece& piece) {
  return packedBytes(piece.part, piece.layout, piece.bits, piece.rows, piece.columns);
}

}  // namespace enginewright
