// Folding by carry-less multiplication: V. Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ
// Instruction", Intel 2009. 64 bytes are multiplied by x^512 modulo the polynomial onto the next 64; the 16 bytes
// that remain in the end have the CRC of the whole, and the plain loop takes it.
#include "weights/crc32.hpp"

#if defined(__x86_64__)

#include <immintrin.h>

#define ENGINEWRIGHT_CLMUL __attribute__((target("pclmul,sse4.1")))

namespace enginewright {

namespace {

// x^(512+32), x^(512-32), x^(128+32) and x^(128-32) modulo the polynomial, each reflected in 33 bits (page 16 there).
constexpr long long across512Low = 0x0154442bd4;
constexpr long long across512High = 0x01c6e41596;
constexpr long long across128Low = 0x01751997d0;
constexpr long long across128High = 0x00ccaa009e;

ENGINEWRIGHT_CLMUL inline __m128i load(const std::uint8_t* bytes) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
}

ENGINEWRIGHT_CLMUL inline __m128i fold(__m128i rest, __m128i across, __m128i next) {
  const __m128i low = _mm_clmulepi64_si128(rest, across, 0x00);
  const __m128i high = _mm_clmulepi64_si128(rest, across, 0x11);
  return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

}  // namespace

ENGINEWRIGHT_CLMUL std::uint32_t advanceCrc32Clmul(std::uint32_t rest, const std::uint8_t* bytes, std::size_t count) {
  __m128i lane0 = _mm_xor_si128(load(bytes), _mm_cvtsi32_si128(static_cast<int>(rest)));
  __m128i lane1 = load(bytes + 16);
  __m128i lane2 = load(bytes + 32);
  __m128i lane3 = load(bytes + 48);
  const __m128i across512 = _mm_set_epi64x(across512High, across512Low);
  for (std::size_t at = crc32FoldBytes; at < count; at += crc32FoldBytes) {
    lane0 = fold(lane0, across512, load(bytes + at));
    lane1 = fold(lane1, across512, load(bytes + at + 16));
    lane2 = fold(lane2, across512, load(bytes + at + 32));
    lane3 = fold(lane3, across512, load(bytes + at + 48));
  }
  const __m128i across128 = _mm_set_epi64x(across128High, across128Low);
  const __m128i all = fold(fold(fold(lane0, across128, lane1), across128, lane2), across128, lane3);
  std::uint8_t last[16];
  _mm_storeu_si128(reinterpret_cast<__m128i*>(last), all);
  return advanceCrc32Reference(0, last, sizeof last);
}

}  // namespace enginewright

#endif
