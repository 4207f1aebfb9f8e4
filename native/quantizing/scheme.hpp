// How a matrix becomes codes and where they lie: core/domain/quantize-pieces.ts in C++ words. W is [rows, columns] =
// [out, in] everywhere.
#pragma once

#include <cstdint>
#include <vector>
#include <string>

#include "weights/matrix_range.hpp"

namespace enginewright {

enum class GridKind { Integer, Fp8, Nvfp4 };

/// What a symmetric scale divides the largest magnitude by: 2^(bits-1), 2^(bits-1) - 1 or (2^bits - 1) / 2.
enum class Convention { Full, Restricted, Centred };

struct Grid {
  GridKind kind = GridKind::Integer;
  unsigned bits = 8;
  /// Columns that share a scale; 0 is the whole row. 16 for nvfp4.
  std::uint64_t group = 0;
  bool symmetric = true;
  Convention convention = Convention::Centred;
  /// Fp8: rows that share a scale, 0 is all of them; then `group` may be all columns as well.
  std::uint64_t groupRows = 1;
};

enum class CodeLayout { Bytes, PackedIn, GptqV1, GptqV2, Awq, ColumnPairs };

/// Scales of these lie [groups, rows], codes and zeros across the matrix.
[[nodiscard]] inline bool isColumnMajor(CodeLayout layout) {
  return layout == CodeLayout::GptqV1 || layout == CodeLayout::GptqV2 || layout == CodeLayout::Awq;
}

enum class QuantizedPart { Codes, Scales, Zeros, TensorScale };

struct QuantizePiece {
  QuantizedPart part = QuantizedPart::Codes;
  MatrixRange matrix;
  Grid grid;
  CodeLayout layout = CodeLayout::Bytes;
  FloatDtype scaleDtype = FloatDtype::F32;
  /// Matrices that share the one scale of the tensor with this one; empty where scales are finer.
  std::vector<MatrixRange> sharesScaleWith;
};

/// Codes that lie one a byte, row-major, in a file.
struct PackPiece {
  QuantizedPart part = QuantizedPart::Codes;
  std::string file;
  std::uint64_t offset = 0;
  std::uint64_t rows = 0;
  std::uint64_t columns = 0;
  unsigned bits = 8;
  CodeLayout layout = CodeLayout::Bytes;
};

/// Groups along a row of this many columns; the last one may be shorter.
[[nodiscard]] inline std::uint64_t groupsOf(const Grid& grid, std::uint64_t columns) {
  if (columns == 0) return 0;
  return grid.group == 0 ? 1 : (columns + grid.group - 1) / grid.group;
}

/// Rows of scales: one for each row, for each block of rows, or one for all.
[[nodiscard]] inline std::uint64_t scaleRowsOf(const Grid& grid, std::uint64_t rows) {
  if (rows == 0) return 0;
  return grid.groupRows == 0 ? 1 : (rows + grid.groupRows - 1) / grid.groupRows;
}

/// Bytes that codes (or zeros) of rows × columns take in a layout. Zeros are [rows, groups].
[[nodiscard]] std::uint64_t packedBytes(QuantizedPart part, CodeLayout layout, unsigned bits,
                                        std::uint64_t rows, std::uint64_t columns);
[[nodiscard]] std::uint64_t bytesOf(const QuantizePiece& piece);
[[nodiscard]] std::uint64_t bytesOf(const PackPiece& piece);

}  // namespace enginewright
