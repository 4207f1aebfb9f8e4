#include "weights/merge.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

#include "weights/failure.hpp"
#include "weights/float_blocks.hpp"
#include "weights/low_rank_delta.hpp"

namespace enginewright {

namespace {

/// Of the doubles of one block of rows; three such buffers and the factors are all that is held.
constexpr std::size_t blockValues = std::size_t{512} << 10U;

std::string numberText(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

class MatrixMerge {
 public:
  MatrixMerge(const MergePiece& piece, const std::string& tensor, InputFiles& inputs)
      : piece_(piece), tensor_(tensor), baseFile_(inputs.open(piece.base.file)) {
    for (const LoraDelta& delta : piece.deltas) {
      deltas_.emplace_back(delta, inputs, LowRankDelta::defaultFactorBytes / piece.deltas.size());
    }
  }

  void stream(const ByteSink& sink) {
    const std::uint64_t columns = piece_.base.columns;
    if (columns == 0) return;
    const std::uint64_t most = std::max<std::uint64_t>(1, blockValues / columns);
    for (firstRow_ = 0; firstRow_ < piece_.base.rows; firstRow_ += most) {
      rows_ = static_cast<std::size_t>(std::min(most, piece_.base.rows - firstRow_));
      readBase();
      mergeBlock();
      sink(bytes_.data(), values_.size() * bytesOf(piece_.dtype));
    }
  }

 private:
  void readBase() {
    const MatrixRange& base = piece_.base;
    const std::size_t itemBytes = bytesOf(base.dtype);
    const std::size_t count = rows_ * static_cast<std::size_t>(base.columns);
    std::vector<Axis> axes{{rows_, base.rowStride, base.columns}, {base.columns, base.columnStride, 1}};
    bytes_.resize(count * std::max(itemBytes, bytesOf(piece_.dtype)));
    values_.resize(count);
    delta_.resize(count);
    reader_.read(baseFile_, base.offset + firstRow_ * base.rowStride * itemBytes, itemBytes, axes,
                 bytes_.data());
    decodeBlock(base.dtype, bytes_.data(), count, values_.data());
  }

  /// Leaves the rounded result in `bytes_`.
  void mergeBlock() {
    if (piece_.rounding == Rounding::Once) {
      addDeltasTogether();
      round(values_);
      return;
    }
    if (deltas_.empty()) round(values_);
    for (LowRankDelta& delta : deltas_) {
      delta.multiply(firstRow_, rows_, delta_.data());
      for (double& value : delta_) value *= delta.scale();
      if (piece_.rounding == Rounding::PeftSafe) {
        round(delta_);
        widen(delta_);
      }
      for (std::size_t i = 0; i < values_.size(); ++i) values_[i] += delta_[i];
      round(values_);
      // The next delta starts from what would have been saved after this one.
      if (&delta != &deltas_.back()) widen(values_);
    }
  }

  void addDeltasTogether() {
    sum_.assign(values_.size(), 0.0);
    for (LowRankDelta& delta : deltas_) {
      delta.multiply(firstRow_, rows_, delta_.data());
      for (std::size_t i = 0; i < sum_.size(); ++i) sum_[i] += delta.scale() * delta_[i];
    }
    for (std::size_t i = 0; i < values_.size(); ++i) values_[i] += sum_[i];
  }

  void round(const std::vector<double>& values) {
    if (!encodeBlock(piece_.dtype, values.data(), values.size(), bytes_.data())) refuseNotFinite(values);
  }

  void widen(std::vector<double>& values) {
    decodeBlock(piece_.dtype, bytes_.data(), values.size(), values.data());
  }

  [[noreturn]] void refuseNotFinite(const std::vector<double>& values) const {
    std::size_t at = 0;
    std::uint8_t rounded[sizeof(double)];
    while (encodeBlock(piece_.dtype, &values[at], 1, rounded)) ++at;
    const std::uint64_t columns = piece_.base.columns;
    const std::string place =
        "[" + std::to_string(firstRow_ + at / columns) + ", " + std::to_string(at % columns) + "]";
    const std::string what = std::isfinite(values[at]) ? numberText(values[at]) + ", more than " +
                                                             textOf(piece_.dtype) + " can hold"
                                                       : numberText(values[at]);
    throw Failure(FailureName::MergeNotFinite,
                  "merging " + (tensor_.empty() ? "a tensor" : "\"" + tensor_ + "\"") + " gives " + what +
                      " at " + place,
                  tensor_);
  }

  const MergePiece& piece_;
  const std::string& tensor_;
  const InputFile& baseFile_;
  std::vector<LowRankDelta> deltas_;
  BoxReader reader_;
  std::uint64_t firstRow_ = 0;
  std::size_t rows_ = 0;
  std::vector<double> values_;
  std::vector<double> delta_;
  std::vector<double> sum_;
  std::vector<std::uint8_t> bytes_;
};

}  // namespace

void streamMerge(const MergePiece& piece, const std::string& tensor, InputFiles& inputs,
                 const ByteSink& sink) {
  MatrixMerge(piece, tensor, inputs).stream(sink);
}

}  // namespace enginewright
