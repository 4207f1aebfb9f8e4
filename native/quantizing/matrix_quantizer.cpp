#include "quantizing/matrix_quantizer.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "quantizing/minifloats.hpp"
#include "weights/failure.hpp"
#include "weights/float_blocks.hpp"

namespace enginewright {

namespace {

/// Of one block: its floats, codes and bytes stay in the cache of a core while the passes over them follow each other.
constexpr std::size_t blockValues = std::size_t{64} << 10U;
/// 6 · 448: what an nvfp4 group can hold at most, in units of the tensor's scale.
constexpr float nvfp4Range = largestE2m1 * largestE4m3;
/// compressed-tensors adds it to every quotient; it makes 0 of -0.
constexpr float noZeroPoint = 0.0F;
constexpr float usableNvfp4Scale = 0.125F;          // what compressed-tensors takes for the epsilon of e4m3

}  // namespace

MatrixQuantizer::MatrixQuantizer(const QuantizePiece& piece, const std::string& tensor, InputFiles& inputs)
    : piece_(piece), tensor_(tensor), inputs_(inputs), file_(inputs.open(piece.matrix.file)) {
  block_.columns = static_cast<std::size_t>(piece.matrix.columns);
  block_.groups = static_cast<std::size_t>(groupsOf(piece.grid, piece.matrix.columns));
}

std::uint64_t MatrixQuantizer::rowsAtOnce() const {
  const std::uint64_t columns = std::max<std::uint64_t>(1, piece_.matrix.columns);
  const std::uint64_t most = std::max<std::uint64_t>(1, blockValues / columns);
  // Packing along rows takes eight of them together, a block of rows shares its scales.
  const std::uint64_t unit = piece_.grid.groupRows > 1 ? piece_.grid.groupRows : 8;
  return std::max<std::uint64_t>(1, most / unit) * unit;
}

void MatrixQuantizer::forEachBlock(Wanted wanted, const RowsSink& sink) {
  const MatrixRange& matrix = piece_.matrix;
  if (matrix.columns == 0) return;
  const bool isWhole = piece_.grid.kind == GridKind::Nvfp4 || piece_.grid.groupRows == 0;
  if (isWhole) (void)largest();
  const std::uint64_t most = rowsAtOnce();
  for (std::uint64_t first = 0; first < matrix.rows; first += most) {
    read(first, static_cast<std::size_t>(std::min(most, matrix.rows - first)));
    if (!measuresBits()) {
      widen();
      refuseNotFinite();
    } else if (wanted == Wanted::Codes) {
      widen();
    }
    if (piece_.grid.kind == GridKind::Integer) quantizeIntegers(wanted);
    if (piece_.grid.kind == GridKind::Fp8) quantizeFp8(wanted);
    if (piece_.grid.kind == GridKind::Nvfp4) quantizeNvfp4(wanted);
    sink(block_);
  }
}

void MatrixQuantizer::read(std::uint64_t firstRow, std::size_t rows) {
  const MatrixRange& matrix = piece_.matrix;
  const std::size_t itemBytes = bytesOf(matrix.dtype);
  std::vector<Axis> axes{{rows, matrix.rowStride, block_.columns}, {block_.columns, matrix.columnStride, 1}};
  bytes_.resize(rows * block_.columns * itemBytes);
  block_.firstRow = firstRow;
  block_.rows = rows;
  reader_.read(file_, matrix.offset + firstRow * matrix.rowStride * itemBytes, itemBytes, axes, bytes_.data());
}

void MatrixQuantizer::widen() {
  const FloatDtype dtype = piece_.matrix.dtype;
  const std::size_t count = block_.rows * block_.columns;
  block_.values.resize(count);
  if (dtype == FloatDtype::F32) {
    std::memcpy(block_.values.data(), bytes_.data(), bytes_.size());
  } else if (dtype == FloatDtype::BF16) {
    integerKernels().widen(bits(), count, block_.values.data());
  } else {
    wide_.resize(count);
    decodeBlock(dtype, bytes_.data(), count, wide_.data());
    for (std::size_t i = 0; i < count; ++i) block_.values[i] = static_cast<float>(wide_[i]);
  }
}

bool MatrixQuantizer::measuresBits() const {
  return piece_.grid.kind == GridKind::Integer && piece_.matrix.dtype == FloatDtype::BF16;
}

/// The buffer comes from the allocator, so it is aligned for two-byte items.
const std::uint16_t* MatrixQuantizer::bits() const { return reinterpret_cast<const std::uint16_t*>(bytes_.data()); }

Extent MatrixQuantizer::extentOf(std::size_t first, std::size_t count) {
  if (!measuresBits()) return integerKernels().extent(&block_.values[first], count);
  const Extent extent = integerKernels().extentOfBits(bits() + first, count);
  if (!std::isfinite(extent.low) || !std::isfinite(extent.high)) {
    widen();
    refuseNotFinite();
  }
  return extent;
}

void MatrixQuantizer::refuseNotFinite() const {
  const std::vector<float>& values = block_.values;
  if (integerKernels().allFinite(values.data(), values.size())) return;
  const auto found = std::find_if(values.begin(), values.end(), [](float value) { return !std::isfinite(value); });
  const auto at = static_cast<std::uint64_t>(found - values.begin());
  throw Failure(FailureName::MergeNotFinite,
                "quantizing " + (tensor_.empty() ? "a tensor" : "\"" + tensor_ + "\"") + " meets " +
                    (std::isnan(*found) ? "NaN" : "an infinite value") + " at [" +
                    std::to_string(block_.firstRow + at / block_.columns) + ", " +
                    std::to_string(at % block_.columns) + "]",
                tensor_);
}

void MatrixQuantizer::refuseInfinite(float scale, std::uint64_t row) const {
  if (std::isfinite(scale)) return;
  throw Failure(FailureName::MergeNotFinite,
                "quantizing " + (tensor_.empty() ? "a tensor" : "\"" + tensor_ + "\"") + " needs a scale beyond " +
                    textOf(piece_.scaleDtype) + " for its row " + std::to_string(block_.firstRow + row),
                tensor_);
}

float MatrixQuantizer::largest() {
  if (largest_ >= 0) return largest_;
  largest_ = 0;
  const std::uint64_t most = rowsAtOnce();
  for (std::uint64_t first = 0; first < piece_.matrix.rows; first += most) {
    read(first, static_cast<std::size_t>(std::min(most, piece_.matrix.rows - first)));
    widen();
    refuseNotFinite();
    const Extent extent = integerKernels().extent(block_.values.data(), block_.values.size());
    largest_ = std::max({largest_, -extent.low, extent.high});
  }
  for (const MatrixRange& other : piece_.sharesScaleWith) {
    QuantizePiece alone = piece_;
    alone.matrix = other;
    alone.sharesScaleWith.clear();
    largest_ = std::max(largest_, MatrixQuantizer(alone, tensor_, inputs_).largest());
  }
  return largest_;
}

void MatrixQuantizer::quantizeIntegers(Wanted wanted) {
  const IntegerKernels& kernels = integerKernels();
  const std::size_t scales = block_.rows * block_.groups;
  const auto group = static_cast<std::size_t>(piece_.grid.group == 0 ? block_.columns : piece_.grid.group);
  block_.scales.resize(scales);
  block_.zeros.resize(scales);
  block_.rules.resize(scales);
  if (wanted == Wanted::Codes) block_.codes.resize(block_.rows * block_.columns);
  for (std::size_t i = 0; i < scales; ++i) {
    const std::size_t first = (i / block_.groups) * block_.columns + (i % block_.groups) * group;
    const std::size_t count = std::min(group, block_.columns - (i % block_.groups) * group);
    CodeRule rule = ruleOf(extentOf(first, count), piece_.grid, piece_.scaleDtype);
    refuseInfinite(storedScale(rule.scale, piece_.scaleDtype), i / block_.groups);
    block_.scales[i] = rule.scale;
    block_.zeros[i] = rule.zero;
    if (wanted == Wanted::Codes) {
      auto* codes = reinterpret_cast<std::int8_t*>(block_.codes.data()) + first;
      if (rule.scale > 0) {
        kernels.code(&block_.values[first], count, rule, codes);
      } else {
        std::fill_n(codes, count, static_cast<std::int8_t>(0));
      }
      // What a reader multiplies with is the stored scale, also where the exact one divided.
      rule.scale = storedScale(rule.scale, piece_.scaleDtype);
    }
    block_.rules[i] = rule;
  }
}

void MatrixQuantizer::quantizeFp8(Wanted wanted) {
  const Grid& grid = piece_.grid;
  const auto rowsTogether = static_cast<std::size_t>(grid.groupRows == 0 ? block_.rows : grid.groupRows);
  const auto group = static_cast<std::size_t>(grid.group == 0 ? block_.columns : grid.group);
  const std::size_t scaleRows = (block_.rows + rowsTogether - 1) / rowsTogether;
  block_.scales.assign(scaleRows * block_.groups, 0.0F);
  for (std::size_t row = 0; row < block_.rows; ++row) {
    for (std::size_t g = 0; g < block_.groups; ++g) {
      const std::size_t count = std::min(group, block_.columns - g * group);
      const Extent extent = integerKernels().extent(&block_.values[row * block_.columns + g * group], count);
      float& scale = block_.scales[(row / rowsTogether) * block_.groups + g];
      scale = std::max({scale, -extent.low, extent.high});
    }
  }
  for (std::size_t i = 0; i < block_.scales.size(); ++i) {
    const float most = grid.groupRows == 0 ? largest() : block_.scales[i];
    block_.scales[i] = usableScale(most / largestE4m3, piece_.scaleDtype);
    refuseInfinite(block_.scales[i], i / block_.groups * rowsTogether);
  }
  if (wanted == Wanted::Scales) return;
  block_.codes.resize(block_.values.size());
  for (std::size_t i = 0; i < block_.values.size(); ++i) {
    const std::size_t row = i / block_.columns;
    const std::size_t g = (i % block_.columns) / group;
    block_.codes[i] =
        e4m3FromFloat(block_.values[i] / block_.scales[(row / rowsTogether) * block_.groups + g] + noZeroPoint);
  }
}

float MatrixQuantizer::tensorScale() {
  const float most = largest();
  // Stored is the reciprocal of the scale. compressed-tensors computes in the dtype of the weights, and torch divides a number by a tensor as the product with
  // its reciprocal (generate_gparam). Where binary16 ends, the package gives up and takes 1, which would lose most
  // weights: binary32 goes on.
  for (const FloatDtype dtype : {piece_.matrix.dtype, FloatDtype::F32}) {
    const float scale = storedScale(storedScale(1 / most, dtype) * nvfp4Range, dtype);
    if (std::isfinite(scale)) return scale;
  }
  // A tensor of zeros, or of numbers so small that no finite scale moves them into range.
  return 1;
}

float MatrixQuantizer::nvfp4Scale(float most, float whole) const {
  const float scale = whole * storedScale(most / largestE2m1, piece_.matrix.dtype);
  const float stored = floatFromE4m3(e4m3FromFloat(scale));
  return stored == 0 ? usableNvfp4Scale : stored;
}

void MatrixQuantizer::quantizeNvfp4(Wanted wanted) {
  const float whole = tensorScale();
  const auto group = static_cast<std::size_t>(piece_.grid.group);
  block_.scales.resize(block_.rows * block_.groups);
  if (wanted == Wanted::Codes) block_.codes.resize(block_.values.size());
  for (std::size_t i = 0; i < block_.scales.size(); ++i) {
    const std::size_t first = (i / block_.groups) * block_.columns + (i % block_.groups) * group;
    const std::size_t count = std::min(group, block_.columns - (i % block_.groups) * group);
    const Extent extent = integerKernels().extent(&block_.values[first], count);
    const float scale = nvfp4Scale(std::max(-extent.low, extent.high), whole);
    block_.scales[i] = scale;
    if (wanted == Wanted::Scales) continue;
    const float unit = scale / whole;
    for (std::size_t k = first; k < first + count; ++k) {
      block_.codes[k] = e2m1FromFloat(block_.values[k] / unit + noZeroPoint);
    }
  }
}

}  // namespace enginewright
