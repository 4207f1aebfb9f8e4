#include "weights/float_formats.hpp"

#include <cstring>

namespace enginewright {

namespace {

constexpr int doubleMantissaBits = 52;
constexpr std::uint64_t doubleMantissaMask = (std::uint64_t{1} << 52U) - 1;

std::uint64_t bitsOf(double value) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

double doubleOf(std::uint64_t bits) {
  double value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

double doubleOfFloatBits(std::uint32_t bits) {
  float value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return static_cast<double>(value);
}

/// `mantissa` shifted right by `count` (1…63), rounded to nearest, ties to even.
std::uint64_t shiftRounded(std::uint64_t mantissa, int count) {
  const std::uint64_t kept = mantissa >> count;
  const std::uint64_t lost = mantissa & ((std::uint64_t{1} << count) - 1);
  const std::uint64_t tie = std::uint64_t{1} << (count - 1);
  const bool up = lost > tie || (lost == tie && (kept & 1U) != 0);
  return kept + (up ? 1U : 0U);
}

/// Narrows to a format of 1 sign bit, `ExponentBits` and `MantissaBits` (IEEE 754-2019 §3.4, §4.3.1).
template <int ExponentBits, int MantissaBits>
std::uint32_t narrow(double value) {
  constexpr int bias = (1 << (ExponentBits - 1)) - 1;
  constexpr std::uint32_t infinity = ((1U << ExponentBits) - 1U) << MantissaBits;
  constexpr int dropped = doubleMantissaBits - MantissaBits;

  const std::uint64_t bits = bitsOf(value);
  const auto sign = static_cast<std::uint32_t>(bits >> 63U) << (ExponentBits + MantissaBits);
  const int exponent = static_cast<int>((bits >> 52U) & 0x7ffU) - 1023;
  const std::uint64_t mantissa = bits & doubleMantissaMask;

  if (exponent == 1024) {
    const std::uint32_t quiet = 1U << (MantissaBits - 1);
    return sign | infinity | (mantissa == 0 ? 0U : quiet);
  }
  if (exponent > bias) return sign | infinity;
  if (exponent >= 1 - bias) {
    // A carry out of the mantissa raises the exponent, up to infinity: the fields are adjacent on purpose.
    const auto exponentField = static_cast<std::uint64_t>(exponent + bias) << MantissaBits;
    return sign | static_cast<std::uint32_t>(exponentField + shiftRounded(mantissa, dropped));
  }
  // Subnormal: the unit is fixed, so smaller exponents lose more bits. Below half a unit everything is zero.
  const int count = dropped + (1 - bias - exponent);
  if (count > doubleMantissaBits + 1) return sign;
  const std::uint64_t withLeadingOne = mantissa | (std::uint64_t{1} << 52U);
  return sign | static_cast<std::uint32_t>(shiftRounded(withLeadingOne, count));
}

}  // namespace

std::size_t bytesOf(FloatDtype dtype) {
  switch (dtype) {
    case FloatDtype::F64:
      return 8;
    case FloatDtype::F32:
      return 4;
    case FloatDtype::F16:
    case FloatDtype::BF16:
      break;
  }
  return 2;
}

const char* textOf(FloatDtype dtype) {
  switch (dtype) {
    case FloatDtype::F64:
      return "F64";
    case FloatDtype::F32:
      return "F32";
    case FloatDtype::F16:
      return "F16";
    case FloatDtype::BF16:
      break;
  }
  return "BF16";
}

double doubleFromHalf(std::uint16_t bits) {
  const std::uint64_t sign = std::uint64_t{bits & 0x8000U} << 48U;
  const std::uint32_t exponent = (bits >> 10U) & 0x1fU;
  const std::uint64_t mantissa = bits & 0x3ffU;
  if (exponent == 0x1f) return doubleOf(sign | (std::uint64_t{0x7ff} << 52U) | (mantissa << 42U));
  if (exponent != 0) return doubleOf(sign | (std::uint64_t{exponent + 1008U} << 52U) | (mantissa << 42U));
  const double magnitude = static_cast<double>(mantissa) * 0x1p-24;
  return sign == 0 ? magnitude : -magnitude;
}

double doubleFromBfloat(std::uint16_t bits) { return doubleOfFloatBits(std::uint32_t{bits} << 16U); }

std::uint16_t halfFromDouble(double value) { return static_cast<std::uint16_t>(narrow<5, 10>(value)); }

std::uint16_t bfloatFromDouble(double value) { return static_cast<std::uint16_t>(narrow<8, 7>(value)); }

std::uint32_t floatBitsFromDouble(double value) { return narrow<8, 23>(value); }

}  // namespace enginewright
