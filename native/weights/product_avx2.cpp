// A tile of 4 rows × 8 columns keeps its sums in registers over the whole rank: LoRA ranks are small, so the
// plain loop would load and store each sum once per rank.
#include "weights/product.hpp"

#if defined(__x86_64__)

#include <immintrin.h>

#include <algorithm>
#include <vector>

#define ENGINEWRIGHT_AVX2 __attribute__((target("avx2,fma")))

namespace enginewright {

namespace {

constexpr std::size_t tileRows = 4;
constexpr std::size_t tileColumns = 8;

template <std::size_t Rows>
ENGINEWRIGHT_AVX2 inline void addTile(const ProductShape& shape, const double* left, const double* panel,
                                      double* out) {
  __m256d low[Rows];
  __m256d high[Rows];
  for (std::size_t row = 0; row < Rows; ++row) {
    low[row] = _mm256_loadu_pd(out + row * shape.columns);
    high[row] = _mm256_loadu_pd(out + row * shape.columns + 4);
  }
  for (std::size_t k = 0; k < shape.rank; ++k) {
    const __m256d rightLow = _mm256_loadu_pd(panel + k * tileColumns);
    const __m256d rightHigh = _mm256_loadu_pd(panel + k * tileColumns + 4);
    for (std::size_t row = 0; row < Rows; ++row) {
      const __m256d factor = _mm256_broadcast_sd(left + row * shape.rank + k);
      low[row] = _mm256_fmadd_pd(factor, rightLow, low[row]);
      high[row] = _mm256_fmadd_pd(factor, rightHigh, high[row]);
    }
  }
  for (std::size_t row = 0; row < Rows; ++row) {
    _mm256_storeu_pd(out + row * shape.columns, low[row]);
    _mm256_storeu_pd(out + row * shape.columns + 4, high[row]);
  }
}

void addRightEdge(const ProductShape& shape, std::size_t firstColumn, const double* left, const double* right,
                  double* out) {
  for (std::size_t row = 0; row < shape.rows; ++row) {
    for (std::size_t column = firstColumn; column < shape.columns; ++column) {
      double sum = out[row * shape.columns + column];
      for (std::size_t k = 0; k < shape.rank; ++k) {
        sum += left[row * shape.rank + k] * right[k * shape.columns + column];
      }
      out[row * shape.columns + column] = sum;
    }
  }
}

}  // namespace

ENGINEWRIGHT_AVX2 void addProductAvx2(const ProductShape& shape, const double* left, const double* right,
                                      double* out) {
  std::vector<double> panel(shape.rank * tileColumns);
  std::size_t column = 0;
  for (; column + tileColumns <= shape.columns; column += tileColumns) {
    for (std::size_t k = 0; k < shape.rank; ++k) {
      std::copy_n(right + k * shape.columns + column, tileColumns, panel.data() + k * tileColumns);
    }
    std::size_t row = 0;
    for (; row + tileRows <= shape.rows; row += tileRows) {
      addTile<tileRows>(shape, left + row * shape.rank, panel.data(), out + row * shape.columns + column);
    }
    for (; row < shape.rows; ++row) {
      addTile<1>(shape, left + row * shape.rank, panel.data(), out + row * shape.columns + column);
    }
  }
  addRightEdge(shape, column, left, right, out);
}

}  // namespace enginewright

#endif
