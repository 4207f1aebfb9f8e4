// Conversions of whole blocks between little-endian bytes and doubles. `…Reference` is the plain loop over
// float_formats; the unmarked functions pick the fastest path with the same bits.
#pragma once

#include <cstddef>
#include <cstdint>

#include "weights/float_formats.hpp"

namespace enginewright {

void decodeBlock(FloatDtype dtype, const std::uint8_t* bytes, std::size_t count, double* values);
void decodeBlockReference(FloatDtype dtype, const std::uint8_t* bytes, std::size_t count, double* values);

/// Rounds each value once and stores it. Returns false if a stored value is infinite or NaN.
[[nodiscard]] bool encodeBlock(FloatDtype dtype, const double* values, std::size_t count,
                               std::uint8_t* bytes);
[[nodiscard]] bool encodeBlockReference(FloatDtype dtype, const double* values, std::size_t count,
                                        std::uint8_t* bytes);

#if defined(__x86_64__)
// float_blocks_avx2.cpp; to be called only where hasAvx2(). They do as many leading values as fit their width and
// return how many that were: none of F64, which needs no conversion.
std::size_t decodeBlockAvx2(FloatDtype dtype, const std::uint8_t* bytes, std::size_t count, double* values);
std::size_t encodeBlockAvx2(FloatDtype dtype, const double* values, std::size_t count, std::uint8_t* bytes,
                            bool& finite);
#endif

}  // namespace enginewright
