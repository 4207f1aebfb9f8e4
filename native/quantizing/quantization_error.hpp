#pragma once

#include <cmath>
#include <optional>

namespace enginewright {

/// Between a matrix W and what is read back of it, Ŵ.
struct QuantizationError {
  double maxAbs = 0;
  /// |W - Ŵ| / |W|, Frobenius; 0 for a matrix of zeros.
  double relativeFrobenius = 0;
  /// 1 for two matrices of zeros.
  double cosine = 1;
  /// 10 log10(|W|² / |W - Ŵ|²), dB; none when nothing is lost.
  std::optional<double> sqnr;
};

/// False where values or their sums left the range of numbers: JSON has no word for such figures.
[[nodiscard]] inline bool isFinite(const QuantizationError& error) {
  return std::isfinite(error.maxAbs) && std::isfinite(error.relativeFrobenius) && std::isfinite(error.cosine) &&
         std::isfinite(error.sqnr.value_or(0));
}

}  // namespace enginewright
