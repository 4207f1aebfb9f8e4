// How far a dequantised matrix is from the original, summed while it is written.
#pragma once

#include "quantizing/matrix_quantizer.hpp"
#include "quantizing/quantization_error.hpp"

namespace enginewright {

class ErrorMeter {
 public:
  explicit ErrorMeter(const Grid& grid) : grid_(grid) {}

  /// `tensorScale` is that of nvfp4, as it is stored.
  void add(const QuantizedRows& block, float tensorScale);
  [[nodiscard]] QuantizationError result() const;

 private:
  void addIntegers(const QuantizedRows& block);
  void addFloats(const QuantizedRows& block, float tensorScale);

  Grid grid_;
  /// w², ŵ², w·ŵ, (w − ŵ)², and the largest |w − ŵ|, in eight lanes each.
  double sums_[5][8] = {};
};

}  // namespace enginewright
