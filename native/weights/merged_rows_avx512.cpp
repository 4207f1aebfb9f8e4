// As merged_rows_avx2.cpp, with tiles of 8 rows × 16 columns.
#include "weights/merged_rows.hpp"

#if defined(__x86_64__)

#include <algorithm>
#include <vector>

#include "weights/float_lanes_avx512.hpp"

namespace enginewright {

namespace {

constexpr std::size_t lanes = 8;
constexpr std::size_t tileRows = 8;
constexpr std::size_t tileColumns = 2 * lanes;
constexpr std::size_t stripTiles = 2;

/// What all tiles of a block have in common.
struct Block {
  const RowsChange& change;
  std::uint8_t* bytes;
};

template <typename Format>
ENGINEWRIGHT_AVX512 inline void addDelta(const RowsChange& change, __m512d delta, std::uint8_t* items,
                                         avx512::Largest& largest) {
  if (change.roundsDelta) {
    std::uint8_t rounded[lanes * sizeof(float)];
    Format::encode(delta, rounded, largest);
    delta = Format::decode(rounded);
  }
  Format::encode(avx512::plusChange(Format::decode(items), delta), items, largest);
}

template <typename Format, std::size_t Rows>
ENGINEWRIGHT_AVX512 inline void mergeTile(const Block& block, std::size_t row, std::size_t column,
                                          const double* panel, avx512::Largest& largest) {
  const RowsChange& change = block.change;
  const std::size_t rank = change.shape.rank;
  const double* const left = change.left + row * rank;
  __m512d low[Rows];
  __m512d high[Rows];
  // Unrolled before registers are given out: an array that a loop indexes would lie in memory.
#pragma GCC unroll 8
  for (std::size_t i = 0; i < Rows; ++i) low[i] = high[i] = _mm512_setzero_pd();
  for (std::size_t k = 0; k < rank; ++k) {
    const __m512d rightLow = _mm512_loadu_pd(panel + k * tileColumns);
    const __m512d rightHigh = _mm512_loadu_pd(panel + k * tileColumns + lanes);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < Rows; ++i) {
      const __m512d factor = _mm512_set1_pd(left[i * rank + k]);
      low[i] = _mm512_fmadd_pd(factor, rightLow, low[i]);
      high[i] = _mm512_fmadd_pd(factor, rightHigh, high[i]);
    }
  }
  const __m512d scale = _mm512_set1_pd(change.scale);
#pragma GCC unroll 8
  for (std::size_t i = 0; i < Rows; ++i) {
    std::uint8_t* const items = block.bytes + ((row + i) * change.shape.columns + column) * Format::itemBytes;
    addDelta<Format>(change, _mm512_mul_pd(low[i], scale), items, largest);
    addDelta<Format>(change, _mm512_mul_pd(high[i], scale), items + lanes * Format::itemBytes, largest);
  }
}

/// `count` tiles side by side, over all rows.
template <typename Format>
ENGINEWRIGHT_AVX512 void mergeStrip(const Block& block, std::size_t column, std::size_t count, const double* panels,
                                    avx512::Largest& largest) {
  const auto [rows, rank, columns] = block.change.shape;
  const std::size_t tile = rank * tileColumns;
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
ENGINEWRIGHT_AVX512 bool mergeBlock(FloatDtype dtype, const Block& block) {
  const RowsChange& change = block.change;
  const auto [rows, rank, columns] = change.shape;
  std::vector<double> panels(stripTiles * rank * tileColumns);
  avx512::Largest largest = avx512::nothingSeen();
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
  return avx512::isFinite<Format>(largest) && restFinite;
}

}  // namespace

bool mergeRowsAvx512(FloatDtype dtype, const RowsChange& change, std::uint8_t* bytes) {
  const Block block{change, bytes};
  if (dtype == FloatDtype::F16) return mergeBlock<avx512::Halves>(dtype, block);
  if (dtype == FloatDtype::BF16) return mergeBlock<avx512::Bfloats>(dtype, block);
  return mergeBlock<avx512::Floats>(dtype, block);
}

}  // namespace enginewright

#endif
