// A block of rows of one matrix, and the changes of adapters applied to it in order.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "merging/low_rank_delta.hpp"
#include "merging/merge_piece.hpp"
#include "weights/box_reader.hpp"
#include "weights/input_file.hpp"

namespace enginewright {

/// For each change, what its columns are multiplied by; empty where columns are not rescaled.
using ColumnFactors = std::vector<std::vector<double>>;

class BlockMerge {
 public:
  /// The plan must have been checked. `factorBytes` bounds the right factors that are kept.
  BlockMerge(const MergePiece& piece, const std::string& tensor, InputFiles& inputs, std::size_t factorBytes);

  /// One plain delta, added to the rows where they are read to: false where the piece asks for more than that, or where the
  /// sum is not finite; merge() then finds the place.
  bool mergeAtOnce(std::uint64_t firstRow, std::size_t rows, std::uint8_t* into);

  /// Reads the base's rows and applies everything. The result is in bytes(), rounded to the piece's dtype.
  void merge(std::uint64_t firstRow, std::size_t rows, const ColumnFactors& factors);

  [[nodiscard]] const std::vector<std::uint8_t>& bytes() const { return bytes_; }
  [[nodiscard]] std::size_t byteCount() const { return rows_ * columns_ * bytesOf(piece_.dtype); }

  /// Adds the squares of column after column of W + Δ, as it is before change `last` rescales it.
  void addSquares(std::uint64_t firstRow, std::size_t rows, const ColumnFactors& factors, std::size_t last,
                  std::vector<double>& squares);

  /// The finished values, after merge().
  [[nodiscard]] const std::vector<double>& finished();

  /// What a rescaled row or column is multiplied by: its wanted length over its present one.
  [[nodiscard]] double factorFor(std::size_t change, std::size_t at, double squares) const {
    return magnitudes_[change][at] / std::sqrt(squares);
  }

 private:
  void readBase(std::uint64_t firstRow, std::size_t rows);
  void apply(std::size_t change, const ColumnFactors& factors);
  void add(const LoraDelta& delta, std::size_t change);
  void rescale(const LoraDelta& delta, std::size_t change, const ColumnFactors& factors);
  void add(const Addition& addition);
  void replace(const RowReplacement& replacement);
  void addChange(bool roundsFirst);
  void addPending();
  /// Without gaps.
  void readItems(const MatrixRange& matrix, std::uint64_t firstRow, std::size_t rows, std::uint8_t* into);
  void readRows(const MatrixRange& matrix, std::uint64_t firstRow, std::size_t rows, std::vector<double>& into);
  void round(const std::vector<double>& values);
  void widen(std::vector<double>& values);
  [[noreturn]] void refuseNotFinite(const std::vector<double>& values) const;

  const MergePiece& piece_;
  const std::string& tensor_;
  InputFiles& inputs_;
  std::vector<std::optional<LowRankDelta>> deltas_;
  std::vector<std::vector<double>> magnitudes_;
  BoxReader reader_;
  std::uint64_t firstRow_ = 0;
  std::size_t rows_ = 0;
  std::size_t columns_;
  std::vector<double> values_;
  std::vector<double> change_;
  /// Changes not yet added to the values; empty unless rounding is Once.
  std::vector<double> pending_;
  std::vector<double> row_;
  std::vector<std::uint8_t> bytes_;
};

}  // namespace enginewright
