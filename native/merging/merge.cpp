#include "merging/merge.hpp"

#include <algorithm>
#include <vector>

#include "merging/block_merge.hpp"
#include "weights/float_blocks.hpp"

namespace enginewright {

namespace {

/// Of the doubles of one block of rows: three such buffers and the factors are all that is held, and they stay in a
/// core's cache.
constexpr std::size_t blockValues = std::size_t{64} << 10U;

class MatrixMerge {
 public:
  MatrixMerge(const MergePiece& piece, const std::string& tensor, InputFiles& inputs)
      : piece_(piece),
        block_(piece, tensor, inputs, LowRankDelta::defaultFactorBytes),
        rowsAtOnce_(std::max<std::uint64_t>(1, blockValues / piece.base.columns)),
        factors_(piece.changes.size()) {}

  void stream(Sink& sink) {
    for (std::size_t change = 0; change < piece_.changes.size(); ++change) {
      const auto* delta = std::get_if<LoraDelta>(&piece_.changes[change]);
      if (delta != nullptr && delta->magnitude && delta->transpose) measureColumns(change);
    }
    std::vector<double> sums(piece_.meanRows > 0 ? static_cast<std::size_t>(piece_.base.columns) : 0, 0.0);
    forEachBlock([&](std::uint64_t first, std::size_t rows) {
      if (sums.empty() && mergeInPlace(first, rows, sink)) return;
      block_.merge(first, rows, factors_);
      sink.take(block_.bytes().data(), block_.byteCount());
      if (!sums.empty()) addRows(block_.finished(), sums);
    });
    if (!sums.empty()) streamMean(sums, sink);
  }

 private:
  template <typename Visit>
  void forEachBlock(const Visit& visit) const {
    for (std::uint64_t first = 0; first < piece_.base.rows; first += rowsAtOnce_)
      visit(first, static_cast<std::size_t>(std::min(rowsAtOnce_, piece_.base.rows - first)));
  }

  bool mergeInPlace(std::uint64_t first, std::size_t rows, Sink& sink) {
    const std::size_t bytes = rows * static_cast<std::size_t>(piece_.base.columns) * bytesOf(piece_.dtype);
    const Room room = sink.room(bytes);
    if (room.count < bytes || !block_.mergeAtOnce(first, rows, room.bytes)) return false;
    sink.filled(room);
    return true;
  }

  void measureColumns(std::size_t change) {
    std::vector<double> squares(static_cast<std::size_t>(piece_.base.columns), 0.0);
    forEachBlock([&](std::uint64_t first, std::size_t rows) {
      block_.addSquares(first, rows, factors_, change, squares);
    });
    for (std::size_t column = 0; column < squares.size(); ++column)
      factors_[change].push_back(block_.factorFor(change, column, squares[column]));
  }

  static void addRows(const std::vector<double>& values, std::vector<double>& sums) {
    for (std::size_t i = 0; i < values.size(); ++i) sums[i % sums.size()] += values[i];
  }

  void streamMean(std::vector<double>& sums, Sink& sink) const {
    for (double& sum : sums) sum /= static_cast<double>(piece_.base.rows);
    std::vector<std::uint8_t> bytes(sums.size() * bytesOf(piece_.dtype));
    // A mean lies between finite values, so that it is finite.
    (void)encodeBlock(piece_.dtype, sums.data(), sums.size(), bytes.data());
    for (std::uint64_t row = 0; row < piece_.meanRows; ++row) sink.take(bytes.data(), bytes.size());
  }

  const MergePiece& piece_;
  BlockMerge block_;
  std::uint64_t rowsAtOnce_;
  ColumnFactors factors_;
};

}  // namespace

void streamMerge(const MergePiece& piece, const std::string& tensor, InputFiles& inputs, Sink& sink) {
  if (piece.base.columns > 0) MatrixMerge(piece, tensor, inputs).stream(sink);
}

}  // namespace enginewright
