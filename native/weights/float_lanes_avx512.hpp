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
  const __m256 towardZero = _mm512_maskz_cvt_roundpd_ps(allLanes, values, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
  const __mmask8 inexact = _mm512_cmp_pd_mask(widened(towardZero), values, _CMP_NEQ_UQ);
  const __m256i bits = _mm256_castps_si256(towardZero);
  return _mm256_mask_or_epi32(bits, inexact, bits, _mm256_set1_epi32(1));
}

/// The largest magnitude seen, as the bits of a binary32: of numbers that are not negative these are in the same order,
/// and infinity and NaN come last. One maximum for each lane, asked once at the end, is cheaper than a mask for each item.
using Largest = __m256i;

ENGINEWRIGHT_AVX512 inline Largest nothingSeen() { return _mm256_setzero_si256(); }

ENGINEWRIGHT_AVX512 inline void note(__m256i bits, Largest& largest) {
  const __m256i magnitude = _mm256_and_si256(bits, _mm256_set1_epi32(0x7fffffff));
  largest = _mm256_maskz_max_epu32(allLanes, largest, magnitude);
}

/// Whether nothing seen becomes an infinity or a NaN in a format.
template <typename Format>
ENGINEWRIGHT_AVX512 inline bool isFinite(Largest largest) {
  return _mm256_cmpge_epu32_mask(largest, _mm256_set1_epi32(Format::firstInfinite)) == 0;
}

/// W + Δ where Δ is not zero (plus_change.hpp).
ENGINEWRIGHT_AVX512 inline __m512d plusChange(__m512d values, __m512d changes) {
  const __mmask8 isChange = _mm512_cmp_pd_mask(changes, _mm512_setzero_pd(), _CMP_NEQ_UQ);
  return _mm512_mask_add_pd(values, isChange, values, changes);
}

struct Halves {
  static constexpr std::size_t itemBytes = 2;
  /// 65520 lies in the middle between the largest binary16 and what would follow it.
  static constexpr int firstInfinite = 0x477ff000;
  ENGINEWRIGHT_AVX512 static __m512d decode(const std::uint8_t* bytes) {
    return widened(_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes))));
  }
  ENGINEWRIGHT_AVX512 static void encode(__m512d values, std::uint8_t* bytes, Largest& largest) {
    const __m256i odd = roundToOdd(values);
    note(odd, largest);
    const __m128i halves = _mm256_cvtps_ph(_mm256_castsi256_ps(odd), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(bytes), halves);
  }
};

struct Bfloats {
  static constexpr std::size_t itemBytes = 2;
  /// The middle between the largest bfloat16 and what would follow it.
  static constexpr int firstInfinite = 0x7f7f8000;
  ENGINEWRIGHT_AVX512 static __m512d decode(const std::uint8_t* bytes) {
    const __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes)));
    return widened(_mm256_castsi256_ps(_mm256_slli_epi32(wide, 16)));
  }
  ENGINEWRIGHT_AVX512 static void encode(__m512d values, std::uint8_t* bytes, Largest& largest) {
    const __m256i odd = roundToOdd(values);
    note(odd, largest);
    const __m256i last = _mm256_and_si256(_mm256_srli_epi32(odd, 16), _mm256_set1_epi32(1));
    const __m256i rounded = _mm256_add_epi32(_mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)), last);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(bytes), _mm256_cvtepi32_epi16(_mm256_srli_epi32(rounded, 16)));
  }
};

struct Floats {
  static constexpr std::size_t itemBytes = 4;
  static constexpr int firstInfinite = 0x7f800000;
  ENGINEWRIGHT_AVX512 static __m512d decode(const std::uint8_t* bytes) {
    return widened(_mm256_loadu_ps(reinterpret_cast<const float*>(bytes)));
  }
  ENGINEWRIGHT_AVX512 static void encode(__m512d values, std::uint8_t* bytes, Largest& largest) {
    const __m256i bits = _mm256_castps_si256(narrowed(values));
    note(bits, largest);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(bytes), bits);
  }
};

}  // namespace enginewright::avx512

#endif
