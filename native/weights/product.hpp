// out += left · right in double: left is rows × rank, right rank × columns, all row-major and without gaps.
// Each element is summed in ascending order of the rank, so every path gives the same bits.
#pragma once

#include <cstddef>

namespace enginewright {

struct ProductShape {
  std::size_t rows;
  std::size_t rank;
  std::size_t columns;
};

void addProductReference(const ProductShape& shape, const double* left, const double* right, double* out);

/// Precondition: every value of both factors came from F32, F16 or BF16. A product of two such is exact in
/// double (24 + 24 ≤ 53 bits), so fusing it with the sum changes no bit and the fast path may use FMA.
void addProductOfNarrow(const ProductShape& shape, const double* left, const double* right, double* out);

#if defined(__x86_64__)
/// product_avx2.cpp; only where hasAvx2().
void addProductAvx2(const ProductShape& shape, const double* left, const double* right, double* out);
#endif

}  // namespace enginewright
