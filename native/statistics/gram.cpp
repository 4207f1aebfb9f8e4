#include "statistics/gram.hpp"

#include <algorithm>
#include <cmath>
#include <new>
#include <vector>

#define ENGINEWRIGHT_BODY static inline __attribute__((always_inline))

namespace {

constexpr std::size_t tileRows = 4;
constexpr std::size_t tileColumns = 8;
/// Tokens whose doubles stay in a cache of the second level for a few thousand columns.
constexpr std::size_t tokensAtOnce = 32;

/// gram[i…, j…] += Σ over tokens of x[t][i…] · x[t][j…]; each element sums its tokens in order.
ENGINEWRIGHT_BODY void addTile(const double* values, std::size_t tokens, std::size_t columns, std::size_t i,
                               std::size_t j, double* gram) {
  double sums[tileRows][tileColumns];
  for (std::size_t r = 0; r < tileRows; ++r) {
    for (std::size_t c = 0; c < tileColumns; ++c) sums[r][c] = gram[(i + r) * columns + j + c];
  }
  for (std::size_t t = 0; t < tokens; ++t) {
    const double* row = values + t * columns;
    for (std::size_t r = 0; r < tileRows; ++r) {
      const double factor = row[i + r];
      for (std::size_t c = 0; c < tileColumns; ++c) sums[r][c] += factor * row[j + c];
    }
  }
  for (std::size_t r = 0; r < tileRows; ++r) {
    for (std::size_t c = 0; c < tileColumns; ++c) gram[(i + r) * columns + j + c] = sums[r][c];
  }
}

void addOne(const double* values, std::size_t tokens, std::size_t columns, std::size_t i, std::size_t j,
            double* gram) {
  double sum = gram[i * columns + j];
  for (std::size_t t = 0; t < tokens; ++t) sum += values[t * columns + i] * values[t * columns + j];
  gram[i * columns + j] = sum;
}

/// Whole tiles on and below the diagonal, single elements at the edges. Tiles may reach above the diagonal, where
/// enginewright_complete_gram writes the same values again.
ENGINEWRIGHT_BODY void addBody(const double* values, std::size_t tokens, std::size_t columns, double* gram) {
  std::size_t i = 0;
  for (; i + tileRows <= columns; i += tileRows) {
    std::size_t j = 0;
    for (; j <= i + tileRows - 1 && j + tileColumns <= columns; j += tileColumns) {
      addTile(values, tokens, columns, i, j, gram);
    }
    for (std::size_t r = 0; r < tileRows; ++r) {
      for (std::size_t c = j; c <= i + r; ++c) addOne(values, tokens, columns, i + r, c, gram);
    }
  }
  for (; i < columns; ++i) {
    for (std::size_t j = 0; j <= i; ++j) addOne(values, tokens, columns, i, j, gram);
  }
}

using AddGram = void (*)(const double*, std::size_t, std::size_t, double*);

void addPlain(const double* values, std::size_t tokens, std::size_t columns, double* gram) {
  addBody(values, tokens, columns, gram);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) void addAvx2(const double* values, std::size_t tokens, std::size_t columns,
                                             double* gram) {
  addBody(values, tokens, columns, gram);
}
__attribute__((target("avx512f"))) void addAvx512(const double* values, std::size_t tokens, std::size_t columns,
                                                  double* gram) {
  addBody(values, tokens, columns, gram);
}
#endif

AddGram fastest() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") != 0) return addAvx512;
  if (__builtin_cpu_supports("avx2") != 0) return addAvx2;
#endif
  return addPlain;
}

}  // namespace

int enginewright_add_gram(const float* rows, std::size_t tokens, std::size_t columns, std::size_t stride,
                          double* gram, double* absolute, double* largest) {
  static const AddGram add = fastest();
  try {
    // One row more than there are: GCC 12 vectorizes the sums for AVX-512 so that they load from the row after the last.
    std::vector<double> values((std::min(tokens, tokensAtOnce) + 1) * columns);
    for (std::size_t first = 0; first < tokens; first += tokensAtOnce) {
      const std::size_t count = std::min(tokensAtOnce, tokens - first);
      for (std::size_t t = 0; t < count; ++t) {
        const float* row = rows + (first + t) * stride;
        for (std::size_t c = 0; c < columns; ++c) {
          const auto value = static_cast<double>(row[c]);
          if (!std::isfinite(value)) return 1;
          values[t * columns + c] = value;
          absolute[c] += std::fabs(value);
          largest[c] = std::max(largest[c], std::fabs(value));
        }
      }
      add(values.data(), count, columns, gram);
    }
  } catch (const std::bad_alloc&) {
    return 2;
  }
  return 0;
}

void enginewright_complete_gram(double* gram, std::size_t columns) {
  for (std::size_t i = 0; i < columns; ++i) {
    for (std::size_t j = i + 1; j < columns; ++j) gram[i * columns + j] = gram[j * columns + i];
  }
}

int enginewright_statistics_version() { return 1; }
