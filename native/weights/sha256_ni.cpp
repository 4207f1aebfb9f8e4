// The compression function with the SHA extensions: Intel SDM volume 2B, SHA256RNDS2, SHA256MSG1, SHA256MSG2.
// The instructions keep the state as two vectors (a,b,e,f) and (c,d,g,h) and do two rounds each.
#include "weights/sha256.hpp"

#if defined(__x86_64__)

#include <immintrin.h>

#define ENGINEWRIGHT_SHA __attribute__((target("sha,sse4.1")))

namespace enginewright {

namespace {

ENGINEWRIGHT_SHA inline __m128i loadWords(const void* at) { return _mm_loadu_si128(static_cast<const __m128i*>(at)); }

struct Vectors {
  __m128i abef;
  __m128i cdgh;
};

ENGINEWRIGHT_SHA inline Vectors load(const Sha256::State& state) {
  const __m128i cdab = _mm_shuffle_epi32(loadWords(state.data()), 0xb1);
  const __m128i efgh = _mm_shuffle_epi32(loadWords(state.data() + 4), 0x1b);
  return {_mm_alignr_epi8(cdab, efgh, 8), _mm_blend_epi16(efgh, cdab, 0xf0)};
}

ENGINEWRIGHT_SHA inline void store(const Vectors& vectors, Sha256::State& state) {
  const __m128i feba = _mm_shuffle_epi32(vectors.abef, 0x1b);
  const __m128i dchg = _mm_shuffle_epi32(vectors.cdgh, 0xb1);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(state.data()), _mm_blend_epi16(feba, dchg, 0xf0));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(state.data() + 4), _mm_alignr_epi8(dchg, feba, 8));
}

/// A block of each stream. Their rounds stand side by side: a round needs the one before it, and takes four cycles.
template <std::size_t Streams>
ENGINEWRIGHT_SHA inline void compressBlocks(Vectors (&states)[Streams], const std::uint8_t* const (&blocks)[Streams]) {
  const __m128i bytesSwapped = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  __m128i w[Streams][4];
  Vectors before[Streams];
#pragma GCC unroll 2
  for (std::size_t s = 0; s < Streams; ++s) {
    before[s] = states[s];
#pragma GCC unroll 4
    for (std::size_t i = 0; i < 4; ++i) w[s][i] = _mm_shuffle_epi8(loadWords(blocks[s] + 16 * i), bytesSwapped);
  }
#pragma GCC unroll 16
  for (std::size_t i = 0; i < 16; ++i) {
    const __m128i constants = loadWords(sha256Constants.data() + 4 * i);
#pragma GCC unroll 2
    for (std::size_t s = 0; s < Streams; ++s) {
      auto& [abef, cdgh] = states[s];
      const __m128i words = _mm_add_epi32(w[s][i % 4], constants);
      cdgh = _mm_sha256rnds2_epu32(cdgh, abef, words);
      abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(words, 0x0e));
      if (i < 12) {
        const __m128i sevenBack = _mm_alignr_epi8(w[s][(i + 3) % 4], w[s][(i + 2) % 4], 4);
        const __m128i partial = _mm_add_epi32(_mm_sha256msg1_epu32(w[s][i % 4], w[s][(i + 1) % 4]), sevenBack);
        w[s][i % 4] = _mm_sha256msg2_epu32(partial, w[s][(i + 3) % 4]);
      }
    }
  }
#pragma GCC unroll 2
  for (std::size_t s = 0; s < Streams; ++s) {
    states[s] = {_mm_add_epi32(states[s].abef, before[s].abef), _mm_add_epi32(states[s].cdgh, before[s].cdgh)};
  }
}

}  // namespace

ENGINEWRIGHT_SHA void compressSha256Ni(Sha256::State& state, const std::uint8_t* blocks, std::size_t blockCount) {
  Vectors vectors[] = {load(state)};
  for (std::size_t i = 0; i < blockCount; ++i) compressBlocks<1>(vectors, {blocks + i * Sha256::blockBytes});
  store(vectors[0], state);
}

ENGINEWRIGHT_SHA void compressTwoSha256Ni(std::array<Sha256::State*, 2> states,
                                          std::array<const std::uint8_t*, 2> blocks, std::size_t blockCount) {
  Vectors vectors[] = {load(*states[0]), load(*states[1])};
  for (std::size_t i = 0; i < blockCount; ++i) {
    const std::size_t at = i * Sha256::blockBytes;
    compressBlocks<2>(vectors, {blocks[0] + at, blocks[1] + at});
  }
  for (std::size_t s = 0; s < 2; ++s) store(vectors[s], *states[s]);
}

}  // namespace enginewright

#endif
