#include "quantizing/group_rule.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace enginewright {

namespace {

constexpr float smallestScale = std::numeric_limits<float>::epsilon();

float divisorOf(const Grid& grid) {
  const float half = static_cast<float>(1U << (grid.bits - 1));
  if (grid.convention == Convention::Full) return half;
  return grid.convention == Convention::Restricted ? half - 1 : (2 * half - 1) / 2;
}

float symmetricScale(float largest, const Grid& grid) {
  const float scale = largest / divisorOf(grid);
  if (grid.convention == Convention::Centred) return std::max(scale, smallestScale);
  if (grid.convention == Convention::Restricted && scale == 0) return 1;
  return scale;
}

}  // namespace

float storedScale(float scale, FloatDtype dtype) {
  if (dtype == FloatDtype::F16) return static_cast<float>(doubleFromHalf(halfFromDouble(scale)));
  if (dtype == FloatDtype::BF16) return static_cast<float>(doubleFromBfloat(bfloatFromDouble(scale)));
  return scale;
}

CodeRule ruleOf(const Extent& extent, const Grid& grid, FloatDtype scaleDtype) {
  const float half = static_cast<float>(1U << (grid.bits - 1));
  CodeRule rule{1, 0, -half, half - 1, grid.symmetric && grid.convention == Convention::Full};
  if (grid.symmetric) {
    rule.scale = symmetricScale(std::max(-extent.low, extent.high), grid);
  } else {
    const float low = std::min(extent.low, 0.0F);
    const float high = std::max(extent.high, 0.0F);
    rule.scale = std::max((high - low) / (2 * half - 1), smallestScale);
    const float stored = storedScale(rule.scale, scaleDtype);
    if (stored > 0) rule.zero = std::nearbyint(std::clamp(-half - low / stored, -half, half - 1));
  }
  if (!rule.awayFromZero) rule.scale = storedScale(rule.scale, scaleDtype);
  return rule;
}

}  // namespace enginewright
