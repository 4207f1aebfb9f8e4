#include "merging/low_rank_delta.hpp"

#include <algorithm>
#include <utility>

#include "weights/float_blocks.hpp"
#include "weights/product.hpp"

namespace enginewright {

namespace {

MatrixRange transposed(MatrixRange matrix) {
  std::swap(matrix.rows, matrix.columns);
  std::swap(matrix.rowStride, matrix.columnStride);
  return matrix;
}

}  // namespace

/// (B A)ᵀ = Aᵀ Bᵀ: a transposed delta only exchanges the factors and their strides.
LowRankDelta::LowRankDelta(const LoraDelta& delta, InputFiles& inputs, std::size_t factorBytes)
    : left_{&inputs.open(delta.transpose ? delta.a.file : delta.b.file),
            delta.transpose ? transposed(delta.a) : delta.b},
      right_{&inputs.open(delta.transpose ? delta.b.file : delta.a.file),
             delta.transpose ? transposed(delta.b) : delta.a},
      narrow_(delta.a.dtype != FloatDtype::F64 && delta.b.dtype != FloatDtype::F64) {
  const std::uint64_t bytesPerRank = std::max<std::uint64_t>(1, right_.range.columns) * sizeof(double);
  ranksAtOnce_ =
      std::max<std::uint64_t>(1, std::min<std::uint64_t>(right_.range.rows, factorBytes / bytesPerRank));
}

void LowRankDelta::multiply(std::uint64_t firstRow, std::size_t rowCount, double* out) {
  const std::uint64_t rank = right_.range.rows;
  const auto columns = static_cast<std::size_t>(right_.range.columns);
  std::fill_n(out, rowCount * columns, 0.0);
  for (std::uint64_t first = 0; first < rank; first += ranksAtOnce_) {
    const std::uint64_t ranks = std::min(ranksAtOnce_, rank - first);
    loadRight(first, ranks);
    readWindow(left_, {firstRow, rowCount, first, ranks}, leftValues_);
    const ProductShape shape{rowCount, static_cast<std::size_t>(ranks), columns};
    (narrow_ ? addProductOfNarrow : addProductReference)(shape, leftValues_.data(), rightValues_.data(), out);
  }
}

std::optional<LowRankDelta::RowFactors> LowRankDelta::factorsOf(std::uint64_t firstRow, std::size_t rowCount) {
  const std::uint64_t rank = right_.range.rows;
  if (!narrow_ || rank > ranksAtOnce_) return std::nullopt;
  loadRight(0, rank);
  readWindow(left_, {firstRow, rowCount, 0, rank}, leftValues_);
  return RowFactors{leftValues_.data(), rightValues_.data(), static_cast<std::size_t>(rank)};
}

void LowRankDelta::loadRight(std::uint64_t firstRank, std::uint64_t ranks) {
  if (loadedFirstRank_ == firstRank) return;
  readWindow(right_, {firstRank, ranks, 0, right_.range.columns}, rightValues_);
  loadedFirstRank_ = firstRank;
}

void LowRankDelta::readWindow(const Factor& factor, const Window& window, std::vector<double>& values) {
  const MatrixRange& range = factor.range;
  const std::size_t itemBytes = bytesOf(range.dtype);
  const auto count = static_cast<std::size_t>(window.rows * window.columns);
  const std::uint64_t item = window.firstRow * range.rowStride + window.firstColumn * range.columnStride;
  std::vector<Axis> axes{{window.rows, range.rowStride, window.columns},
                         {window.columns, range.columnStride, 1}};
  bytes_.resize(count * itemBytes);
  values.resize(count);
  reader_.read(*factor.file, range.offset + item * itemBytes, itemBytes, axes, bytes_.data());
  decodeBlock(range.dtype, bytes_.data(), count, values.data());
}

}  // namespace enginewright
