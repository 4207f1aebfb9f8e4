#include "quantizing/group_rule.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

namespace enginewright {

namespace {

float divisorOf(const Grid& grid) {
  const float half = static_cast<float>(1U << (grid.bits - 1));
  if (grid.convention == Convention::Full) return half;
  return grid.convention == Convention::Restricted ? half - 1 : (2 * half - 1) / 2;
}

/// Once for each group: by the bits, to nearest even. What is infinite or NaN stays so.
float roundedToBfloat(float value) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  if ((bits & 0x7f800000U) == 0x7f800000U) return value;
  bits = (bits + 0x7fffU + ((bits >> 16U) & 1U)) & 0xffff0000U;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

/// The distance from 1 to the next number of the dtype: torch.finfo(dtype).eps.
float epsilonOf(FloatDtype dtype) {
  if (dtype == FloatDtype::F16) return 0.0009765625F;
  if (dtype == FloatDtype::BF16) return 0.0078125F;
  return std::numeric_limits<float>::epsilon();
}

void setSymmetricScale(CodeRule& rule, float largest, const Grid& grid, FloatDtype scaleDtype) {
  const float scale = largest / divisorOf(grid);
  if (grid.convention == Convention::Full) {
    rule.scale = scale;
  } else if (grid.convention == Convention::Restricted) {
    rule.scale = storedScale(scale == 0 ? 1 : scale, scaleDtype);
  } else {
    rule.scale = usableScale(scale, scaleDtype);
  }
}

/// Every step in the scales' dtype, as the package does it in that of the weights (which it also stores scales in).
void setAsymmetricScale(CodeRule& rule, const Extent& extent, FloatDtype scaleDtype) {
  const float low = std::min(extent.low, 0.0F);
  const float width = std::max(extent.high, 0.0F) - low;
  const float steps = rule.highest - rule.lowest;
  // A width beyond binary16 may still have a scale within.
  const float rounded = storedScale(width, scaleDtype);
  const float scale = storedScale((std::isfinite(rounded) ? rounded : width) / steps, scaleDtype);
  const float zero = storedScale(rule.lowest - storedScale(low / scale, scaleDtype), scaleDtype);
  // A group of zeros divides 0 by 0; what it is then moved by makes no difference, and the package's zero is 0.
  rule.zero = std::isnan(zero) ? 0 : std::nearbyint(std::clamp(zero, rule.lowest, rule.highest));
  rule.scale = usableScale(scale, scaleDtype);
}

}  // namespace

float storedScale(float scale, FloatDtype dtype) {
  if (dtype == FloatDtype::F16) return static_cast<float>(doubleFromHalf(halfFromDouble(scale)));
  return dtype == FloatDtype::BF16 ? roundedToBfloat(scale) : scale;
}

float usableScale(float scale, FloatDtype dtype) {
  const float stored = storedScale(scale, dtype);
  return stored == 0 ? epsilonOf(dtype) : stored;
}

CodeRule ruleOf(const Extent& extent, const Grid& grid, FloatDtype scaleDtype) {
  const float half = static_cast<float>(1U << (grid.bits - 1));
  CodeRule rule{1, 0, -half, half - 1, grid.symmetric && grid.convention == Convention::Full};
  if (grid.symmetric) {
    // 0 first: of equal ones the first is taken, and the scale of zeros has no sign.
    setSymmetricScale(rule, std::max({0.0F, -extent.low, extent.high}), grid, scaleDtype);
  } else {
    setAsymmetricScale(rule, extent, scaleDtype);
  }
  return rule;
}

}  // namespace enginewright
