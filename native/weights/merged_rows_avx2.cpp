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
                                       avx2::Strange& strange) {
  if (change.roundsDelta) {
    std::uint8_t rounded[tileColumns * sizeof(float)];
    Format::encode(delta, rounded, strange);
    delta = Format::decode(rounded);
  }
  const avx2::Eight base = Format::decode(items);
  Format::encode({_mm256_add_pd(base.low, delta.low), _mm256_add_pd(base.high, delta.high)}, items, strange);
}

template <typename Format, std::size_t Rows>
ENGINEWRIGHT_AVX2 inline void mergeTile(const Block& block, std::size_t row, std::size_t column, const double* panel,
                                        avx2::Strange& strange) {
  const RowsChange& change = block.change;
  const std::size_t rank = change.shape.rank;
  const double* const left = change.left + row * rank;
  __m256d lows[Rows];
  __m256d highs[Rows];
  for (std::size_t i = 0; i < Rows; ++i) lows[i] = highs[i] = _mm256_setzero_pd();
  for (std::size_t k = 0; k < rank; ++k) {
    const __m256d low = _mm256_loadu_pd(panel + k * tileColumns);
    const __m256d high = _mm256_loadu_pd(panel + k * tileColumns + 4);
    for (std::size_t i = 0; i < Rows; ++i) {
      const __m256d factor = _mm256_broadcast_sd(left + i * rank + k);
      lows[i] = _mm256_fmadd_pd(factor, low, lows[i]);
      highs[i] = _mm256_fmadd_pd(factor, high, highs[i]);
    }
  }
  // By way of memory: an array of registers that the long loop below indexes would never have been in registers.
  const __m256d scale = _mm256_set1_pd(change.scale);
  double deltas[Rows * tileColumns];
  for (std::size_t i = 0; i < Rows; ++i) {
    _mm256_storeu_pd(deltas + i * tileColumns, _mm256_mul_pd(lows[i], scale));
    _mm256_storeu_pd(deltas + i * tileColumns + 4, _mm256_mul_pd(highs[i], scale));
  }
  for (std::size_t i = 0; i < Rows; ++i) {
    std::uint8_t* const items = block.bytes + ((row + i) * change.shape.columns + column) * Format::itemBytes;
    const double* const added = deltas + i * tileColumns;
    addDelta<Format>(change, {_mm256_loadu_pd(added), _mm256_loadu_pd(added + 4)}, items, strange);
  }
}

/// `count` tiles side by side, over all rows.
template <typename Format>
ENGINEWRIGHT_AVX2 void mergeStrip(const Block& block, std::size_t column, std::size_t count, const double* panels,
                                  avx2::Strange& strange) {
  const auto [rows, rank, columns] = block.change.shape;
  const auto tile = rank * tileColumns;
  std::size_t row = 0;
  for (; row + tileRows <= rows; row += tileRows) {
    for (std::size_t i = 0; i < count; ++i) {
      mergeTile<Format, tileRows>(block, row, column + i * tileColumns, panels + i * tile, strange);
    }
  }
  for (; row < rows; ++row) {
    for (std::size_t i = 0; i < count; ++i) {
      mergeTile<Format, 1>(block, row, column + i * tileColumns, panels + i * tile, strange);
    }
  }
}

template <typename Format>
ENGINEWRIGHT_AVX2 bool mergeBlock(FloatDtype dtype, const Block& block) {
  const RowsChange& change = block.change;
  const auto [rows, rank, columns] = change.shape;
  std::vector<double> panels(stripTiles * rank * tileColumns);
  avx2::Strange strange = avx2::nothingStrange();
  const std::size_t tiles = columns / tileColumns;
  for (std::size_t first = 0; first < tiles; first += stripTiles) {
    const std::size_t count = std::min(stripTiles, tiles - first);
    for (std::size_t i = 0; i < count; ++i) {
      for (std::size_t k = 0; k < rank; ++k) {
        std::copy_n(change.right + k * columns + (first + i) * tileColumns, tileColumns,
                    panels.data() + (i * rank + k) * tileColumns);
      }
    }
    mergeStrip<Format>(block, first * tileColumns, count, panels.data(), strange);
  }
  const bool restFinite = mergeColumnsReference(dtype, change, tiles * tileColumns, block.bytes);
  return avx2::isFinite(strange) && restFinite;
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
