#include "quantizing/error_meter.hpp"

#include <algorithm>
#include <cmath>

#include "quantizing/minifloats.hpp"

namespace enginewright {

void ErrorMeter::add(const QuantizedRows& block, float tensorScale) {
  if (grid_.kind == GridKind::Integer) {
    addIntegers(block);
  } else {
    addFloats(block, tensorScale);
  }
}

void ErrorMeter::addIntegers(const QuantizedRows& block) {
  const auto group = static_cast<std::size_t>(grid_.group == 0 ? block.columns : grid_.group);
  for (std::size_t i = 0; i < block.rules.size(); ++i) {
    const std::size_t first = (i / block.groups) * block.columns + (i % block.groups) * group;
    const std::size_t count = std::min(group, block.columns - (i % block.groups) * group);
    integerKernels().measure(&block.values[first], reinterpret_cast<const std::int8_t*>(&block.codes[first]), count,
                             block.rules[i], sums_);
  }
}

void ErrorMeter::addFloats(const QuantizedRows& block, float tensorScale) {
  const auto group = static_cast<std::size_t>(grid_.group == 0 ? block.columns : grid_.group);
  const auto rowsTogether = static_cast<std::size_t>(grid_.groupRows == 0 ? block.rows : grid_.groupRows);
  for (std::size_t i = 0; i < block.values.size(); ++i) {
    const std::size_t row = i / block.columns;
    const std::size_t g = (i % block.columns) / group;
    const float scale = block.scales[(row / rowsTogether) * block.groups + g];
    float stored = 0;
    if (grid_.kind == GridKind::Fp8) {
      stored = scale * floatFromE4m3(block.codes[i]);
    } else {
      stored = scale / tensorScale * floatFromE2m1(block.codes[i]);
    }
    const double original = block.values[i];
    const double error = original - static_cast<double>(stored);
    sums_[0][i % 8] += original * original;
    sums_[1][i % 8] += static_cast<double>(stored) * static_cast<double>(stored);
    sums_[2][i % 8] += original * static_cast<double>(stored);
    sums_[3][i % 8] += error * error;
    sums_[4][i % 8] = std::max(sums_[4][i % 8], std::fabs(error));
  }
}

QuantizationError ErrorMeter::result() const {
  double sums[5] = {};
  for (std::size_t lane = 0; lane < 8; ++lane) {
    for (std::size_t k = 0; k < 4; ++k) sums[k] += sums_[k][lane];
    sums[4] = std::max(sums[4], sums_[4][lane]);
  }
  const auto [original, stored, product, error, most] = sums;
  QuantizationError found;
  found.maxAbs = most;
  if (original > 0) found.relativeFrobenius = std::sqrt(error / original);
  if (original > 0 && stored > 0) found.cosine = product / std::sqrt(original * stored);
  else if (original > 0 || stored > 0) found.cosine = 0;
  if (error > 0 && original > 0) found.sqnr = 10 * std::log10(original / error);
  return found;
}

}  // namespace enginewright
