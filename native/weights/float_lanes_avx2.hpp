// Eight floats at a time between little-endian bytes and doubles. Rounding to binary32 first and then again would
// round twice; rounding to odd first makes the second rounding exact (Boldo & Melquiond, "Emulation of a FMA and
// correctly rounded sums: proved algorithms using rounding to odd", IEEE Transactions on Computers 57(4), 2008): binary32
// has at least two bits more than binary16 and bfloat16 everywhere.
#pragma once

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

// Attributes rather than a file flag: inline functions of the library must not be compiled for AVX2 by accident.
#define ENGINEWRIGHT_AVX2 __attribute__((target("avx2,fma,f16c")))

namespace enginewright::avx2 {

struct Eight {
  __m256d low;
  __m256d high;
};

ENGINEWRIGHT_AVX2 inline __m128i loadBits(const std::uint8_t* bytes) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
}

ENGINEWRIGHT_AVX2 inline void storeBits(std::uint8_t* bytes, __m128i bits) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(bytes), bits);
}

ENGINEWRIGHT_AVX2 inline Eight widened(__m256 floats) {
  return {_mm256_cvtps_pd(_mm256_castps256_ps128(floats)), _mm256_cvtps_pd(_mm256_extractf128_ps(floats, 1))};
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

ENGINEWRIGHT_AVX2 inline __m256i roundToOdd(const Eight& values) {
  const __m128i low = roundToOdd(values.low);
  const __m128i high = roundToOdd(values.high);
  return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
}

/// The largest magnitude seen, as the bits of a binary32: of numbers that are not negative these are in the same order,
/// and infinity and NaN come last. One maximum for each lane, asked once at the end, is cheaper than a mask for each item.
using Largest = __m256i;

ENGINEWRIGHT_AVX2 inline Largest nothingSeen() { return _mm256_setzero_si256(); }

ENGINEWRIGHT_AVX2 inline void note(__m256i bits, Largest& largest) {
  largest = _mm256_max_epu32(largest, _mm256_and_si256(bits, _mm256_set1_epi32(0x7fffffff)));
}

/// Whether nothing seen becomes an infinity or a NaN in a format.
template <typename Format>
ENGINEWRIGHT_AVX2 inline bool isFinite(Largest largest) {
  // Magnitudes have no sign bit, so that the signed comparison is right.
  const __m256i isInfinite = _mm256_cmpgt_epi32(largest, _mm256_set1_epi32(Format::firstInfinite - 1));
  return _mm256_testz_si256(isInfinite, isInfinite) != 0;
}

/// W + Δ where Δ is not zero (plus_change.hpp): adding −0 leaves every value, −0 too.
ENGINEWRIGHT_AVX2 inline __m256d plusChange(__m256d values, __m256d changes) {
  const __m256d isZero = _mm256_cmp_pd(changes, _mm256_setzero_pd(), _CMP_EQ_OQ);
  return _mm256_add_pd(values, _mm256_or_pd(changes, _mm256_and_pd(isZero, _mm256_set1_pd(-0.0))));
}

struct Halves {
  static constexpr std::size_t itemBytes = 2;
  /// 65520 lies in the middle between the largest binary16 and what would follow it.
  static constexpr int firstInfinite = 0x477ff000;
  ENGINEWRIGHT_AVX2 static Eight decode(const std::uint8_t* bytes) { return widened(_mm256_cvtph_ps(loadBits(bytes))); }
  ENGINEWRIGHT_AVX2 static void encode(const Eight& values, std::uint8_t* bytes, Largest& largest) {
    const __m256i odd = roundToOdd(values);
    note(odd, largest);
    storeBits(bytes, _mm256_cvtps_ph(_mm256_castsi256_ps(odd), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  }
};

struct Bfloats {
  static constexpr std::size_t itemBytes = 2;
  /// The middle between the largest bfloat16 and what would follow it.
  static constexpr int firstInfinite = 0x7f7f8000;
  ENGINEWRIGHT_AVX2 static Eight decode(const std::uint8_t* bytes) {
    return widened(_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(loadBits(bytes)), 16)));
  }
  ENGINEWRIGHT_AVX2 static void encode(const Eight& values, std::uint8_t* bytes, Largest& largest) {
    const __m256i odd = roundToOdd(values);
    note(odd, largest);
    // Nearest even by integers: add half a unit less one, plus the bit that stays last; a tie then goes to even.
    const __m256i last = _mm256_and_si256(_mm256_srli_epi32(odd, 16), _mm256_set1_epi32(1));
    const __m256i rounded = _mm256_add_epi32(_mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)), last);
    const __m256i upper = _mm256_srli_epi32(rounded, 16);
    storeBits(bytes, _mm_packus_epi32(_mm256_castsi256_si128(upper), _mm256_extracti128_si256(upper, 1)));
  }
};

struct Floats {
  static constexpr std::size_t itemBytes = 4;
  static constexpr int firstInfinite = 0x7f800000;
  ENGINEWRIGHT_AVX2 static Eight decode(const std::uint8_t* bytes) {
    return widened(_mm256_loadu_ps(reinterpret_cast<const float*>(bytes)));
  }
  ENGINEWRIGHT_AVX2 static void encode(const Eight& values, std::uint8_t* bytes, Largest& largest) {
    const __m256 floats = _mm256_set_m128(_mm256_cvtpd_ps(values.high), _mm256_cvtpd_ps(values.low));
    const __m256i bits = _mm256_castps_si256(floats);
    note(bits, largest);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(bytes), bits);
  }
};

}  // namespace enginewright::avx2

#endif
