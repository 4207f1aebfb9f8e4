#include "merging/block_merge.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "weights/failure.hpp"
#include "weights/float_blocks.hpp"
#include "weights/merged_rows.hpp"
#include "weights/plus_change.hpp"

namespace enginewright {

namespace {

std::string numberText(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

}  // namespace

BlockMerge::BlockMerge(const MergePiece& piece, const std::string& tensor, InputFiles& inputs,
                       std::size_t factorBytes)
    : piece_(piece), tensor_(tensor), inputs_(inputs), columns_(static_cast<std::size_t>(piece.base.columns)) {
  for (const MergeChange& change : piece.changes) {
    const auto* delta = std::get_if<LoraDelta>(&change);
    deltas_.emplace_back();
    magnitudes_.emplace_back();
    if (delta == nullptr) continue;
    deltas_.back().emplace(*delta, inputs, factorBytes / piece.changes.size());
    if (delta->magnitude) readRows(*delta->magnitude, 0, 1, magnitudes_.back());
  }
}

void BlockMerge::merge(std::uint64_t firstRow, std::size_t rows, const ColumnFactors& factors) {
  bytes_.resize(std::max(bytes_.size(), rows * columns_ * bytesOf(piece_.dtype)));
  if (mergeAtOnce(firstRow, rows, bytes_.data())) return;
  readBase(firstRow, rows);
  for (std::size_t change = 0; change < piece_.changes.size(); ++change) {
    apply(change, factors);
    if (piece_.rounding == Rounding::Once) continue;
    round(values_);
    // The next change starts from what would have been saved after this one.
    if (change + 1 < piece_.changes.size()) widen(values_);
  }
  if (piece_.rounding != Rounding::Once && !piece_.changes.empty()) return;
  addPending();
  round(values_);
}

bool BlockMerge::mergeAtOnce(std::uint64_t firstRow, std::size_t rows, std::uint8_t* into) {
  if (piece_.changes.size() != 1 || piece_.rounding == Rounding::Once || piece_.base.dtype != piece_.dtype) return false;
  const auto* delta = std::get_if<LoraDelta>(&piece_.changes.front());
  if (delta == nullptr || delta->magnitude) return false;
  const auto factors = deltas_.front()->factorsOf(firstRow, rows);
  if (!factors) return false;
  firstRow_ = firstRow;
  rows_ = rows;
  readItems(piece_.base, firstRow, rows, into);
  const bool roundsDelta = delta->roundsDelta || piece_.rounding == Rounding::PeftSafe;
  const ProductShape shape{rows, factors->rank, columns_};
  return mergeRows(piece_.dtype, {shape, factors->left, factors->right, delta->scale, roundsDelta}, into);
}

void BlockMerge::addSquares(std::uint64_t firstRow, std::size_t rows, const ColumnFactors& factors,
                            std::size_t last, std::vector<double>& squares) {
  readBase(firstRow, rows);
  for (std::size_t change = 0; change < last; ++change) {
    apply(change, factors);
    if (piece_.rounding == Rounding::Once) continue;
    round(values_);
    widen(values_);
  }
  add(std::get<LoraDelta>(piece_.changes[last]), last);
  for (std::size_t row = 0; row < rows_; ++row) {
    for (std::size_t column = 0; column < columns_; ++column) {
      const double value = values_[row * columns_ + column];
      squares[column] += value * value;
    }
  }
}

const std::vector<double>& BlockMerge::finished() {
  values_.resize(rows_ * columns_);
  widen(values_);
  return values_;
}

void BlockMerge::apply(std::size_t change, const ColumnFactors& factors) {
  if (const auto* delta = std::get_if<LoraDelta>(&piece_.changes[change])) {
    add(*delta, change);
    if (delta->magnitude) rescale(*delta, change, factors);
  } else if (const auto* addition = std::get_if<Addition>(&piece_.changes[change])) {
    add(*addition);
  } else {
    replace(std::get<RowReplacement>(piece_.changes[change]));
  }
}

void BlockMerge::add(const LoraDelta& delta, std::size_t change) {
  change_.resize(values_.size());
  deltas_[change]->multiply(firstRow_, rows_, change_.data());
  for (double& value : change_) value *= delta.scale;
  // DoRA rescales the sum before anything is rounded, in every mode (peft tuners/lora/variants.py).
  addChange(!delta.magnitude && (delta.roundsDelta || piece_.rounding == Rounding::PeftSafe));
  if (delta.magnitude) addPending();
}

void BlockMerge::rescale(const LoraDelta& delta, std::size_t change, const ColumnFactors& factors) {
  for (std::size_t row = 0; row < rows_; ++row) {
    double* values = &values_[row * columns_];
    if (delta.transpose) {
      for (std::size_t column = 0; column < columns_; ++column) values[column] *= factors[change][column];
      continue;
    }
    double squares = 0;
    for (std::size_t column = 0; column < columns_; ++column) squares += values[column] * values[column];
    const double factor = factorFor(change, static_cast<std::size_t>(firstRow_) + row, squares);
    for (std::size_t column = 0; column < columns_; ++column) values[column] *= factor;
  }
}

void BlockMerge::add(const Addition& addition) {
  readRows(addition.matrix, firstRow_, rows_, change_);
  for (double& value : change_) value *= addition.scale;
  addChange(false);
}

void BlockMerge::replace(const RowReplacement& replacement) {
  addPending();
  for (std::size_t i = 0; i < replacement.rows.size(); ++i) {
    const std::uint64_t row = replacement.rows[i];
    if (row < firstRow_ || row - firstRow_ >= rows_) continue;
    readRows(replacement.source, i, 1, row_);
    std::copy(row_.begin(), row_.end(), values_.begin() + static_cast<std::ptrdiff_t>((row - firstRow_) * columns_));
  }
}

void BlockMerge::addChange(bool roundsFirst) {
  if (piece_.rounding == Rounding::Once) {
    if (pending_.empty()) pending_.assign(values_.size(), 0.0);
    for (std::size_t i = 0; i < pending_.size(); ++i) pending_[i] += change_[i];
    return;
  }
  if (roundsFirst) {
    round(change_);
    widen(change_);
  }
  for (std::size_t i = 0; i < values_.size(); ++i) values_[i] = plusChange(values_[i], change_[i]);
}

void BlockMerge::addPending() {
  for (std::size_t i = 0; i < pending_.size(); ++i) values_[i] = plusChange(values_[i], pending_[i]);
  pending_.clear();
}

void BlockMerge::readBase(std::uint64_t firstRow, std::size_t rows) {
  firstRow_ = firstRow;
  rows_ = rows;
  pending_.clear();
  readRows(piece_.base, firstRow, rows, values_);
}

void BlockMerge::readItems(const MatrixRange& matrix, std::uint64_t firstRow, std::size_t rows, std::uint8_t* into) {
  const std::size_t itemBytes = bytesOf(matrix.dtype);
  std::vector<Axis> axes{{rows, matrix.rowStride, matrix.columns}, {matrix.columns, matrix.columnStride, 1}};
  reader_.read(inputs_.open(matrix.file), matrix.offset + firstRow * matrix.rowStride * itemBytes, itemBytes, axes,
               into);
}

void BlockMerge::readRows(const MatrixRange& matrix, std::uint64_t firstRow, std::size_t rows,
                          std::vector<double>& into) {
  const std::size_t count = rows * static_cast<std::size_t>(matrix.columns);
  bytes_.resize(std::max(bytes_.size(), count * std::max(bytesOf(matrix.dtype), bytesOf(piece_.dtype))));
  readItems(matrix, firstRow, rows, bytes_.data());
  into.resize(count);
  decodeBlock(matrix.dtype, bytes_.data(), count, into.data());
}

void BlockMerge::round(const std::vector<double>& values) {
  if (!encodeBlock(piece_.dtype, values.data(), values.size(), bytes_.data())) refuseNotFinite(values);
}

void BlockMerge::widen(std::vector<double>& values) {
  decodeBlock(piece_.dtype, bytes_.data(), values.size(), values.data());
}

void BlockMerge::refuseNotFinite(const std::vector<double>& values) const {
  std::size_t at = 0;
  std::uint8_t rounded[sizeof(double)];
  while (encodeBlock(piece_.dtype, &values[at], 1, rounded)) ++at;
  const std::string place =
      "[" + std::to_string(firstRow_ + at / columns_) + ", " + std::to_string(at % columns_) + "]";
  const std::string what =
      std::isfinite(values[at])
          ? numberText(values[at]) + ", more than " + textOf(piece_.dtype) + " can hold"
          : numberText(values[at]);
  throw Failure(FailureName::MergeNotFinite,
                "merging " + (tensor_.empty() ? "a tensor" : "\"" + tensor_ + "\"") + " gives " + what + " at " +
                    place,
                tensor_);
}

}  // namespace enginewright
