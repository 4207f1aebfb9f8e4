// A matrix as blocks of rows with their scales, zero points and codes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "quantizing/group_rule.hpp"
#include "quantizing/scheme.hpp"
#include "weights/box_reader.hpp"
#include "weights/input_file.hpp"

namespace enginewright {

/// Some rows of a matrix, row-major. Scales and zeros are [scale rows, groups]: usually one scale row for each row.
struct QuantizedRows {
  std::uint64_t firstRow = 0;
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::size_t groups = 0;
  std::vector<float> values;
  /// As they are stored, before they are rounded to their dtype (which `codes` take into account).
  std::vector<float> scales;
  std::vector<float> zeros;
  /// One a byte: signed integers, e4m3 bits, or e2m1 codes 0…15.
  std::vector<std::uint8_t> codes;
  /// By which each [row, group] was coded and is decoded.
  std::vector<CodeRule> rules;
};

using RowsSink = std::function<void(const QuantizedRows&)>;

enum class Wanted { Scales, Codes };

class MatrixQuantizer {
 public:
  /// `tensor` is for messages. Whatever reads values throws MergeNotFinite for one that is infinite or NaN, and for a
  /// scale that becomes infinite in its dtype.
  MatrixQuantizer(const QuantizePiece& piece, const std::string& tensor, InputFiles& inputs);

  /// All rows, in blocks of at most a few MiB (whole blocks of rows that share a scale).
  void forEachBlock(Wanted wanted, const RowsSink& sink);

  /// The one scale of a tensor of nvfp4, as it is stored.
  [[nodiscard]] float tensorScale();

 private:
  /// The items of some rows, as they are stored.
  void read(std::uint64_t firstRow, std::size_t rows);
  /// Their values.
  void widen();
  /// Of bfloat16, groups are measured by their bits, and values made only where codes are wanted.
  [[nodiscard]] bool measuresBits() const;
  [[nodiscard]] const std::uint16_t* bits() const;
  [[nodiscard]] Extent extentOf(std::size_t first, std::size_t count);
  void refuseNotFinite() const;
  /// Throws MergeNotFinite for a scale that its dtype cannot hold. `row` counts in the block.
  void refuseInfinite(float scale, std::uint64_t row) const;
  /// The largest magnitude of the whole matrix and of those that share its scale: one pass over each.
  [[nodiscard]] float largest();
  void quantizeIntegers(Wanted wanted);
  void quantizeFp8(Wanted wanted);
  void quantizeNvfp4(Wanted wanted);
  /// An e4m3 number: the scale of a group with such a largest magnitude.
  [[nodiscard]] float nvfp4Scale(float most, float whole) const;
  [[nodiscard]] std::uint64_t rowsAtOnce() const;

  const QuantizePiece& piece_;
  const std::string& tensor_;
  InputFiles& inputs_;
  const InputFile& file_;
  BoxReader reader_;
  std::vector<std::uint8_t> bytes_;
  std::vector<double> wide_;
  QuantizedRows block_;
  float largest_ = -1;
};

}  // namespace enginewright
