// The sums of a tile of 4 rows × 8 columns stay in registers over the whole rank and until they are bytes again. Columns
// are taken in strips of one cache line of 16-bit items, whose part of the right factor is packed into the first-level
// cache.
#include "weights/merged_rows.hpp"

#if defined(__x86_64__)

#include <algorithm>
#include <vector>

#include "weights/float_lanes_avx2.hpp"

namespace enginewright {

namespace {

constexpr std::size_t tileRows = 4;
constexpr std::size_t tileColumns = 8;
constexpr std::size_t stripTiles = 4;

/// What all tiles of a block have in common.
struct Block {
  const RowsChange& change;
  std::uint8_t* bytes;
};

template <typename Format>
ENGINEWRIGHT_AVX2 inline void addDelta(const RowsChange& change, avx2::Eight delta, std::uint8_t* items,
                                       avx2::Largest& largest) {
  if (change.roundsDelta) {
    std::uint8_t rounded[tileColumns * sizeof(float)];
    Format::encode(delta, rounded, largest);
    delta = Format::decode(rounded);
  }
  const avx2::Eight base = Format::decode(items);
  Format::encode({avx2::plusChange(base.low, delta.low), avx2::plusChange(base.high, delta.high)}, items, largest);
}

template <typename Format, std::size_t Rows>
ENGINEWRIGHT_AVX2 inline void mergeTile(const Block& block, std::size_t row, std::size_t column, const double* panel,
                                        avx2::Largest& largest) {
  const RowsChange& change = block.change;
  const std::size_t rank = change.shape.rank;
  const double* const left = change.left + row * rank;
  __m256d lows[Rows];
  __m256d highs[Rows];
  // Unrolled before registers are given out: an array that a loop indexes would lie in memory.
#pragma GCC unroll 4
  for (std::size_t i = 0; i < Rows; ++i) lows[i] = highs[i] = _mm256_setzero_pd();
  for (std::size_t k = 0; k < rank; ++k) {
    const __m256d low = _mm256_loadu_pd(panel + k * tileColumns);
    const __m256d high = _mm256_loadu_pd(panel + k * tileColumns + 4);
#pragma GCC unroll 4
    for (std::size_t i = 0; i < Rows; ++i) {
      const __m256d factor = _mm256_broadcast_sd(left + i * rank + k);
      lows[i] = _mm256_fmadd_pd(factor, low, lows[i]);
      highs[i] = _mm256_fmadd_pd(factor, high, highs[i]);
    }
  }
  const __m256d scale = _mm256_set1_pd(change.scale);
#pragma GCC unroll 4
  for (std::size_t i = 0; i < Rows; ++i) {
    std::uint8_t* const items = block.bytes + ((row + i) * change.shape.columns + column) * Format::itemBytes;
    addDelta<Format>(change, {_mm256_mul_pd(lows[i], scale), _mm256_mul_pd(highs[i], scale)}, items, largest);
  }
}

/// `count` tiles side by side, over all rows.
template <typename Format>
ENGINEWRIGHT_AVX2 void mergeStrip(const Block& block, std::size_t column, std::size_t count, const double* panels,
                                  avx2::Largest& largest) {
  const auto [rows, rank, columns] = block.change.shape;
  const auto tile = rank * tileColumns;
  std::size_t row = 0;
  for (; row + tileRows <= rows; row += tileRows) {
    for (std::size_t i = 0; i < count; ++i) {
      mergeTile<Format, tileRows>(block, row, column + i * tileColumns, panels + i * tile, largest);
    }
  }
  for (; row < rows; ++row) {
    for (std::size_t i = 0; i < count; ++i) {
      mergeTile<Format, 1>(block, row, column + i * tileColumns, panels + i * tile, largest);
    }
  }
}

template <typename Format>
ENGINEWRIGHT_AVX2 bool mergeBlock(FloatDtype dtype, const Block& block) {
  const RowsChange& change = block.change;
  const auto [rows, rank, columns] = change.shape;
  std::vector<double> panels(stripTiles * rank * tileColumns);
  avx2::Largest largest = avx2::nothingSeen();
  const std::size_t tiles = columns / tileColumns;
  for (std::size_t first = 0; first < tiles; first += stripTiles) {
    const std::size_t count = std::min(stripTiles, tiles - first);
    for (std::size_t i = 0; i < count; ++i) {
      for (std::size_t k = 0; k < rank; ++k) {
        std::copy_n(change.right + k * columns + (first + i) * tileColumns, tileColumns,
                    panels.data() + (i * rank + k) * tileColumns);
      }
    }
    mergeStrip<Format>(block, first * tileColumns, count, panels.data(), largest);
  }
  const bool restFinite = mergeColumnsReference(dtype, change, tiles * tileColumns, block.bytes);
  return avx2::isFinite<Format>(largest) && restFinite;
}

}  // namespace

bool mergeRowsAvx2(FloatDtype dtype, const RowsChange& change, std::uint8_t* bytes) {
  const Block block{change, bytes};
  if (dtype == FloatDtype::F16) return mergeBlock<avx2::Halves>(dtype, block);
  if (dtype == FloatDtype::BF16) return mergeBlock<avx2::Bfloats>(dtype, block);
  return mergeBlock<avx2::Floats>(dtype, block);
}

}  // namespace enginewright

#endif
