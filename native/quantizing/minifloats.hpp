// FP8 e4m3 and FP4 e2m1 of the OCP formats (OFP8 and MX specifications): no infinities; e4m3 has NaN as 0x7f and 0xff.
#pragma once

#include <cstdint>

namespace enginewright {

constexpr float largestE4m3 = 448.0F;
constexpr float largestE2m1 = 6.0F;

/// Nearest, ties to even; what is beyond ±448 becomes ±448. NaN becomes NaN.
[[nodiscard]] std::uint8_t e4m3FromFloat(float value);
[[nodiscard]] float floatFromE4m3(std::uint8_t bits);

/// Nearest of 0, .5, 1, 1.5, 2, 3, 4, 6, ties to the even code; what is beyond ±6 becomes ±6. Sign is bit 3.
[[nodiscard]] std::uint8_t e2m1FromFloat(float value);
[[nodiscard]] float floatFromE2m1(std::uint8_t code);

}  // namespace enginewright
