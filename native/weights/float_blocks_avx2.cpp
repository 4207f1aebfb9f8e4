// Narrowing eight doubles at a time. Rounding to binary32 first and then again would round twice; rounding to
// odd first makes the second rounding exact (Boldo & Melquiond, "Emulation of a FMA and correctly rounded
// sums: proved algorithms using rounding to odd", IEEE Transactions on Computers 57(4), 2008): binary32 has
// at least two bits more than binary16 and bfloat16 everywhere.
#include "weights/float_blocks.hpp"

#if defined(__x86_64__)

#include <immintrin.h>

// Attributes rather than a file flag: inline functions of the library must not be compiled for AVX2 by
// accident.
#define ENGINEWRIGHT_AVX2 __attribute__((target("avx2,fma,f16c")))

namespace enginewright {

namespace {

constexpr std::size_t width = 8;
constexpr int nearestEven = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;

ENGINEWRIGHT_AVX2 inline __m128i loadBits(const std::uint8_t* bytes) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
}

ENGINEWRIGHT_AVX2 inline void storeBits(std::uint8_t* bytes, __m128i bits) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(bytes), bits);
}

/// The low halves of four 64-bit lanes: turns a comparison of doubles into a mask of four 32-bit lanes.
ENGINEWRIGHT_AVX2 inline __m128i lowHalves(__m256d mask) {
  const __m256i order = _mm256_setr_epi32(0, 2, 4, 6, 0, 0, 0, 0);
  return _mm256_castsi256_si128(_mm256_permutevar8x32_epi32(_mm256_castpd_si256(mask), order));
}

/// Four doubles as binary32, rounded to odd: toward zero, and the last bit set if anything was lost.
ENGINEWRIGHT_AVX2 inline __m128i roundToOdd(__m256d values) {
  const __m128 nearest = _mm256_cvtpd_ps(values);
  const __m256d back = _mm256_cvtps_pd(nearest);
  const __m256d signMask = _mm256_set1_pd(-0.0);
  const __m256d tooLarge =
      _mm256_cmp_pd(_mm256_andnot_pd(signMask, back), _mm256_andnot_pd(signMask, values), _CMP_GT_OQ);
  const __m256d inexact = _mm256_cmp_pd(back, values, _CMP_NEQ_UQ);
  // The mask is -1 where the magnitude was rounded up, so adding it steps one value toward zero.
  const __m128i towardZero = _mm_add_epi32(_mm_castps_si128(nearest), lowHalves(tooLarge));
  return _mm_or_si128(towardZero, _mm_srli_epi32(lowHalves(inexact), 31));
}

ENGINEWRIGHT_AVX2 inline __m256i roundToOdd8(const double* values) {
  const __m128i low = roundToOdd(_mm256_loadu_pd(values));
  const __m128i high = roundToOdd(_mm256_loadu_pd(values + 4));
  return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
}

ENGINEWRIGHT_AVX2 inline bool none(__m128i mask) { return _mm_testz_si128(mask, mask) != 0; }

}  // namespace

ENGINEWRIGHT_AVX2 std::size_t decodeHalvesAvx2(const std::uint8_t* bytes, std::size_t count, double* values) {
  std::size_t i = 0;
  for (; i + width <= count; i += width) {
    const __m256 floats = _mm256_cvtph_ps(loadBits(bytes + 2 * i));
    _mm256_storeu_pd(values + i, _mm256_cvtps_pd(_mm256_castps256_ps128(floats)));
    _mm256_storeu_pd(values + i + 4, _mm256_cvtps_pd(_mm256_extractf128_ps(floats, 1)));
  }
  return i;
}

ENGINEWRIGHT_AVX2 std::size_t encodeHalvesAvx2(const double* values, std::size_t count, std::uint8_t* bytes,
                                               bool& finite) {
  const __m128i exponentMask = _mm_set1_epi16(0x7c00);
  __m128i notFinite = _mm_setzero_si128();
  std::size_t i = 0;
  for (; i + width <= count; i += width) {
    const __m256 odd = _mm256_castsi256_ps(roundToOdd8(values + i));
    const __m128i halves = _mm256_cvtps_ph(odd, nearestEven);
    const __m128i isSpecial = _mm_cmpeq_epi16(_mm_and_si128(halves, exponentMask), exponentMask);
    notFinite = _mm_or_si128(notFinite, isSpecial);
    storeBits(bytes + 2 * i, halves);
  }
  finite = none(notFinite);
  return i;
}

ENGINEWRIGHT_AVX2 std::size_t encodeBfloatsAvx2(const double* values, std::size_t count, std::uint8_t* bytes,
                                                bool& finite) {
  const __m128i exponentMask = _mm_set1_epi16(0x7f80);
  const __m256i halfUnit = _mm256_set1_epi32(0x7fff);
  const __m256i one = _mm256_set1_epi32(1);
  const __m256i wideExponentMask = _mm256_set1_epi32(0x7f800000);
  __m128i notFinite = _mm_setzero_si128();
  __m256i wideNotFinite = _mm256_setzero_si256();
  std::size_t i = 0;
  for (; i + width <= count; i += width) {
    const __m256i odd = roundToOdd8(values + i);
    // Asked before rounding too: the sum below can carry a NaN of all ones over into a zero.
    wideNotFinite = _mm256_or_si256(
        wideNotFinite, _mm256_cmpeq_epi32(_mm256_and_si256(odd, wideExponentMask), wideExponentMask));
    // Nearest even by integers: add half a unit less one, plus the bit that stays last; a tie then goes to
    // even.
    const __m256i last = _mm256_and_si256(_mm256_srli_epi32(odd, 16), one);
    const __m256i rounded = _mm256_add_epi32(odd, _mm256_add_epi32(halfUnit, last));
    const __m256i upper = _mm256_srli_epi32(rounded, 16);
    const __m128i packed =
        _mm_packus_epi32(_mm256_castsi256_si128(upper), _mm256_extracti128_si256(upper, 1));
    const __m128i isSpecial = _mm_cmpeq_epi16(_mm_and_si128(packed, exponentMask), exponentMask);
    notFinite = _mm_or_si128(notFinite, isSpecial);
    storeBits(bytes + 2 * i, packed);
  }
  finite = none(notFinite) && _mm256_testz_si256(wideNotFinite, wideNotFinite) != 0;
  return i;
}

ENGINEWRIGHT_AVX2 std::size_t encodeFloatsAvx2(const double* values, std::size_t count, std::uint8_t* bytes,
                                               bool& finite) {
  const __m128i exponentMask = _mm_set1_epi32(0x7f800000);
  __m128i notFinite = _mm_setzero_si128();
  std::size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    const __m128i bits = _mm_castps_si128(_mm256_cvtpd_ps(_mm256_loadu_pd(values + i)));
    const __m128i isSpecial = _mm_cmpeq_epi32(_mm_and_si128(bits, exponentMask), exponentMask);
    notFinite = _mm_or_si128(notFinite, isSpecial);
    storeBits(bytes + 4 * i, bits);
  }
  finite = none(notFinite);
  return i;
}

}  // namespace enginewright

#endif
