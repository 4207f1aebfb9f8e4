#include "weights/product.hpp"

#include "weights/cpu_features.hpp"

namespace enginewright {

void addProductReference(const ProductShape& shape, const double* left, const double* right, double* out) {
  for (std::size_t row = 0; row < shape.rows; ++row) {
    double* const sums = out + row * shape.columns;
    for (std::size_t k = 0; k < shape.rank; ++k) {
      const double factor = left[row * shape.rank + k];
      const double* const line = right + k * shape.columns;
      for (std::size_t column = 0; column < shape.columns; ++column) sums[column] += factor * line[column];
    }
  }
}

void addProductOfNarrow(const ProductShape& shape, const double* left, const double* right, double* out) {
#if defined(__x86_64__)
  if (hasAvx2()) {
    addProductAvx2(shape, left, right, out);
    return;
  }
#endif
  addProductReference(shape, left, right, out);
}

}  // namespace enginewright
