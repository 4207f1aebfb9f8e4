// IEEE 754 binary16, bfloat16, binary32 and binary64: one number at a time, exact, and the reference for the
// block conversions. Narrowing rounds once, to nearest, ties to even; no intermediate format is involved.
#pragma once

#include <cstddef>
#include <cstdint>

namespace enginewright {

enum class FloatDtype { F64, F32, F16, BF16 };

[[nodiscard]] std::size_t bytesOf(FloatDtype dtype);
[[nodiscard]] const char* textOf(FloatDtype dtype);

/// Every value of the narrow formats is a binary64 value, so widening is exact.
[[nodiscard]] double doubleFromHalf(std::uint16_t bits);
[[nodiscard]] double doubleFromBfloat(std::uint16_t bits);

/// Overflow gives an infinity and NaN gives a quiet NaN, as the standard says; callers refuse both.
[[nodiscard]] std::uint16_t halfFromDouble(double value);
[[nodiscard]] std::uint16_t bfloatFromDouble(double value);
[[nodiscard]] std::uint32_t floatBitsFromDouble(double value);

}  // namespace enginewright
