#include "quantizing/minifloats.hpp"

#include <cmath>
#include <cstring>

namespace enginewright {

namespace {

constexpr float e2m1Values[8] = {0.0F, 0.5F, 1.0F, 1.5F, 2.0F, 3.0F, 4.0F, 6.0F};
// Halfway points; where `up` is set the tie belongs to the code above, which is the even one.
constexpr float e2m1Bounds[7] = {0.25F, 0.75F, 1.25F, 1.75F, 2.5F, 3.5F, 5.0F};
constexpr bool e2m1TieUp[7] = {false, true, false, true, false, true, false};

std::uint32_t bitsOf(float value) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

float floatOf(std::uint32_t bits) {
  float value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace

std::uint8_t e4m3FromFloat(float value) {
  const std::uint32_t bits = bitsOf(value);
  const auto sign = static_cast<std::uint8_t>((bits >> 24U) & 0x80U);
  const std::uint32_t magnitude = bits & 0x7fffffffU;
  if (magnitude > 0x7f800000U) return static_cast<std::uint8_t>(sign | 0x7fU);
  if (floatOf(magnitude) >= largestE4m3) return static_cast<std::uint8_t>(sign | 0x7eU);
  // Below 2^-6 the steps are 2^-9: adding 2^14 (whose last place is 2^-9) rounds to them.
  if (magnitude < 0x3c800000U) {
    const float rounded = floatOf(magnitude) + 16384.0F;
    return static_cast<std::uint8_t>(sign | (bitsOf(rounded) & 0x0fU));
  }
  // Three bits of mantissa stay of 23: add half of the rest, ties to even, and move the exponent's bias from 127 to 7.
  const std::uint32_t rounded = magnitude + 0x7ffffU + ((magnitude >> 20U) & 1U);
  const std::uint32_t code = (rounded >> 20U) - (120U << 3U);
  return static_cast<std::uint8_t>(sign | (code > 0x7eU ? 0x7eU : code));
}

float floatFromE4m3(std::uint8_t bits) {
  const unsigned exponent = (bits >> 3U) & 0x0fU;
  const unsigned mantissa = bits & 0x07U;
  if ((bits & 0x7fU) == 0x7fU) return std::nanf("");
  const float magnitude = exponent == 0
                              ? std::ldexp(static_cast<float>(mantissa), -9)
                              : std::ldexp(static_cast<float>(8U + mantissa), static_cast<int>(exponent) - 10);
  return (bits & 0x80U) != 0 ? -magnitude : magnitude;
}

std::uint8_t e2m1FromFloat(float value) {
  const float magnitude = std::fabs(value);
  std::uint8_t code = 0;
  while (code < 7 && (magnitude > e2m1Bounds[code] || (e2m1TieUp[code] && magnitude == e2m1Bounds[code]))) ++code;
  return static_cast<std::uint8_t>(code | (std::signbit(value) ? 8U : 0U));
}

float floatFromE2m1(std::uint8_t code) {
  const float magnitude = e2m1Values[code & 7U];
  return (code & 8U) != 0 ? -magnitude : magnitude;
}

}  // namespace enginewright
