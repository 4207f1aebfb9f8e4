#include "solving/dense.hpp"

#include <cmath>

namespace enginewright {

namespace {

/// The lower triangle by its Cholesky factor L (A = L Lᵀ). The upper one is neither read nor written.
bool factorize(std::vector<double>& matrix, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    double* row = &matrix[i * size];
    for (std::size_t j = 0; j <= i; ++j) {
      const double* other = &matrix[j * size];
      const double rest = row[j] - dot(row, other, j);
      if (j < i) {
        row[j] = rest / other[j];
      } else {
        if (!(rest > 0) || !std::isfinite(rest)) return false;
        row[j] = std::sqrt(rest);
      }
    }
  }
  return true;
}

/// Puts L⁻ᵀ into the upper triangle: column j of L⁻¹ lies in row j, so that all sums run along rows. L keeps what is
/// below the diagonal; its diagonal, whose place is taken, goes on in a vector.
void invertIntoUpper(std::vector<double>& matrix, std::size_t size) {
  std::vector<double> diagonal(size);
  for (std::size_t i = 0; i < size; ++i) diagonal[i] = matrix[i * size + i];
  for (std::size_t j = 0; j < size; ++j) {
    double* column = &matrix[j * size];
    column[j] = 1 / diagonal[j];
    for (std::size_t i = j + 1; i < size; ++i) {
      column[i] = -dot(&matrix[i * size + j], column + j, i - j) / diagonal[i];
    }
  }
}

/// Puts A⁻¹ = L⁻ᵀ L⁻¹ into the lower triangle. Its element (i, j) sums over what lies right of both in the rows i and j
/// of L⁻ᵀ, and no row after i needs the diagonal of row i, so each element can take its place at once.
void multiplyIntoLower(std::vector<double>& matrix, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    const double* row = &matrix[i * size];
    for (std::size_t j = 0; j <= i; ++j) {
      matrix[i * size + j] = dot(row + i, &matrix[j * size + i], size - i);
    }
  }
}

/// The transpose of the lower triangle, zeros below it.
void turnUp(std::vector<double>& matrix, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      matrix[j * size + i] = matrix[i * size + j];
      matrix[i * size + j] = 0;
    }
  }
}

}  // namespace

double dot(const double* a, const double* b, std::size_t count) {
  double lanes[8] = {};
  std::size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    for (std::size_t lane = 0; lane < 8; ++lane) lanes[lane] += a[i + lane] * b[i + lane];
  }
  for (; i < count; ++i) lanes[i % 8] += a[i] * b[i];
  return ((lanes[0] + lanes[4]) + (lanes[1] + lanes[5])) + ((lanes[2] + lanes[6]) + (lanes[3] + lanes[7]));
}

bool replaceByFactorOfInverse(std::vector<double>& matrix, std::size_t size) {
  if (!factorize(matrix, size)) return false;
  invertIntoUpper(matrix, size);
  multiplyIntoLower(matrix, size);
  if (!factorize(matrix, size)) return false;
  turnUp(matrix, size);
  return true;
}

}  // namespace enginewright
