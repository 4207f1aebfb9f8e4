// The product B A of one adapter and one matrix, row block by row block, without ever holding the full delta.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "weights/box_reader.hpp"
#include "weights/input_file.hpp"
#include "merging/merge_piece.hpp"

namespace enginewright {

class LowRankDelta {
 public:
  /// The right factor is kept as doubles if it fits this many bytes, and else read again for every row block.
  static constexpr std::size_t defaultFactorBytes = std::size_t{64} << 20U;

  LowRankDelta(const LoraDelta& delta, InputFiles& inputs, std::size_t factorBytes = defaultFactorBytes);

  /// Rows [firstRow, firstRow + rowCount) of B A (or of its transpose) to `out`, without the scale.
  void multiply(std::uint64_t firstRow, std::size_t rowCount, double* out);

  /// Both factors of these rows as doubles, row-major, valid until the next call.
  struct RowFactors {
    const double* left;
    const double* right;
    std::size_t rank;
  };
  /// Nothing where the right factor is too large to be kept whole, or a product is not exact in double.
  [[nodiscard]] std::optional<RowFactors> factorsOf(std::uint64_t firstRow, std::size_t rowCount);

 private:
  struct Factor {
    const InputFile* file;
    MatrixRange range;
  };
  struct Window {
    std::uint64_t firstRow;
    std::uint64_t rows;
    std::uint64_t firstColumn;
    std::uint64_t columns;
  };

  void readWindow(const Factor& factor, const Window& window, std::vector<double>& values);
  void loadRight(std::uint64_t firstRank, std::uint64_t ranks);

  Factor left_;
  Factor right_;
  bool narrow_;
  std::uint64_t ranksAtOnce_;
  std::uint64_t loadedFirstRank_ = UINT64_MAX;
  std::vector<double> leftValues_;
  std::vector<double> rightValues_;
  std::vector<std::uint8_t> bytes_;
  BoxReader reader_;
};

}  // namespace enginewright
