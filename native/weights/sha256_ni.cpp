// The compression function with the SHA extensions: Intel SDM volume 2B, SHA256RNDS2, SHA256MSG1, SHA256MSG2.
// The instructions keep the state as two vectors (a,b,e,f) and (c,d,g,h) and do two rounds each.
#include "weights/sha256.hpp"

#if defined(__x86_64__)

#include <immintrin.h>

namespace enginewright {

namespace {

__attribute__((target("sha,sse4.1"))) inline __m128i loadWords(const void* at) {
  return _mm_loadu_si128(static_cast<const __m128i*>(at));
}

}  // namespace

__attribute__((target("sha,sse4.1"))) void compressSha256Ni(Sha256::State& state, const std::uint8_t* blocks,
                                                            std::size_t blockCount) {
  const __m128i bytesSwapped = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  const __m128i dcba = loadWords(state.data());
  const __m128i hgfe = loadWords(state.data() + 4);
  const __m128i cdab = _mm_shuffle_epi32(dcba, 0xb1);
  const __m128i efgh = _mm_shuffle_epi32(hgfe, 0x1b);
  __m128i abef = _mm_alignr_epi8(cdab, efgh, 8);
  __m128i cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);

  for (std::size_t block = 0; block < blockCount; ++block) {
    const __m128i abefBefore = abef;
    const __m128i cdghBefore = cdgh;
    __m128i w[4];
    for (std::size_t i = 0; i < 4; ++i) {
      w[i] = _mm_shuffle_epi8(loadWords(blocks + block * Sha256::blockBytes + 16 * i), bytesSwapped);
    }
#pragma GCC unroll 16
    for (std::size_t i = 0; i < 16; ++i) {
      const __m128i words = _mm_add_epi32(w[i % 4], loadWords(sha256Constants.data() + 4 * i));
      cdgh = _mm_sha256rnds2_epu32(cdgh, abef, words);
      abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(words, 0x0e));
      if (i < 12) {
        const __m128i sevenBack = _mm_alignr_epi8(w[(i + 3) % 4], w[(i + 2) % 4], 4);
        const __m128i partial = _mm_add_epi32(_mm_sha256msg1_epu32(w[i % 4], w[(i + 1) % 4]), sevenBack);
        w[i % 4] = _mm_sha256msg2_epu32(partial, w[(i + 3) % 4]);
      }
    }
    abef = _mm_add_epi32(abef, abefBefore);
    cdgh = _mm_add_epi32(cdgh, cdghBefore);
  }

  const __m128i feba = _mm_shuffle_epi32(abef, 0x1b);
  const __m128i dchg = _mm_shuffle_epi32(cdgh, 0xb1);
  const __m128i dcbaAfter = _mm_blend_epi16(feba, dchg, 0xf0);
  const __m128i hgfeAfter = _mm_alignr_epi8(dchg, feba, 8);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(state.data()), dcbaAfter);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(state.data() + 4), hgfeAfter);
}

}  // namespace enginewright

#endif
