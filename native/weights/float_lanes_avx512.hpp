// As float_lanes_avx2.hpp, in one register and with masks.
#pragma once

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#define ENGINEWRIGHT_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c")))

namespace enginewright::avx512 {

// With a mask of all lanes: GCC 12 warns of its own definition of those without (GCC bug 105593).
constexpr __mmask8 allLanes = 0xff;

ENGINEWRIGHT_AVX512 inline __m256 narrowed(__m512d values) { return _mm512_maskz_cvtpd_ps(allLanes, values); }
ENGINEWRIGHT_AVX512 inline __m512d widened(__m256 values) { return _mm512_maskz_cvtps_pd(allLanes, values); }

/// Eight doubles as binary32, rounded to odd: toward zero, and the last bit set if anything was lost.
ENGINEWRIGHT_AVX512 inline __m256i roundToOdd(__m512d values) {
  const __m256 nearest = narrowed(values);
  const __m512d back = widened(nearest);
  const __mmask8 tooLarge = _mm512_cmp_pd_mask(_mm512_abs_pd(back), _mm512_abs_pd(values), _CMP_GT_OQ);
  const __mmask8 inexact = _mm512_cmp_pd_mask(back, values, _CMP_NEQ_UQ);
  const __m256i one = _mm256_set1_epi32(1);
  const __m256i bits = _mm256_castps_si256(nearest);
  const __m256i towardZero = _mm256_mask_sub_epi32(bits, tooLarge, bits, one);
  return _mm256_mask_or_epi32(towardZero, inexact, towardZero, one);
}

/// Bits of lanes where an infinity or a NaN was stored.
using Strange = unsigned;

ENGINEWRIGHT_AVX512 inline Strange strangeLanes(__m256i bits) {
  const __m256i mask = _mm256_set1_epi32(0x7f800000);
  return _mm256_cmpeq_epi32_mask(_mm256_and_si256(bits, mask), mask);
}

struct Halves {
  static constexpr std::size_t itemBytes = 2;
  ENGINEWRIGHT_AVX512 static __m512d decode(const std::uint8_t* bytes) {
    return widened(_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes))));
  }
  ENGINEWRIGHT_AVX512 static void encode(__m512d values, std::uint8_t* bytes, Strange& strange) {
    const __m256 odd = _mm256_castsi256_ps(roundToOdd(values));
    const __m128i halves = _mm256_cvtps_ph(odd, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const __m128i mask = _mm_set1_epi16(0x7c00);
    strange |= _mm_cmpeq_epi16_mask(_mm_and_si128(halves, mask), mask);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(bytes), halves);
  }
};

struct Bfloats {
  static constexpr std::size_t itemBytes = 2;
  ENGINEWRIGHT_AVX512 static __m512d decode(const std::uint8_t* bytes) {
    const __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes)));
    return widened(_mm256_castsi256_ps(_mm256_slli_epi32(wide, 16)));
  }
  ENGINEWRIGHT_AVX512 static void encode(__m512d values, std::uint8_t* bytes, Strange& strange) {
    const __m256i odd = roundToOdd(values);
    const __m256i last = _mm256_and_si256(_mm256_srli_epi32(odd, 16), _mm256_set1_epi32(1));
    const __m256i rounded = _mm256_add_epi32(odd, _mm256_add_epi32(_mm256_set1_epi32(0x7fff), last));
    strange |= strangeLanes(odd) | strangeLanes(rounded);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(bytes), _mm256_cvtepi32_epi16(_mm256_srli_epi32(rounded, 16)));
  }
};

struct Floats {
  static constexpr std::size_t itemBytes = 4;
  ENGINEWRIGHT_AVX512 static __m512d decode(const std::uint8_t* bytes) {
    return widened(_mm256_loadu_ps(reinterpret_cast<const float*>(bytes)));
  }
  ENGINEWRIGHT_AVX512 static void encode(__m512d values, std::uint8_t* bytes, Strange& strange) {
    const __m256i bits = _mm256_castps_si256(narrowed(values));
    strange |= strangeLanes(bits);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(bytes), bits);
  }
};

}  // namespace enginewright::avx512

#endif
