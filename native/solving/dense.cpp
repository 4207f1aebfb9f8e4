#include "solving/dense.hpp"

#include <cmath>

namespace enginewright {

double dot(const double* a, const double* b, std::size_t count) {
  double lanes[8] = {};
  std::size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    for (std::size_t lane = 0; lane < 8; ++lane) lanes[lane] += a[i + lane] * b[i + lane];
  }
  for (; i < count; ++i) lanes[i % 8] += a[i] * b[i];
  return ((lanes[0] + lanes[4]) + (lanes[1] + lanes[5])) + ((lanes[2] + lanes[6]) + (lanes[3] + lanes[7]));
}

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
    for (std::size_t j = i + 1; j < size; ++j) row[j] = 0;
  }
  return true;
}

std::vector<double> invertLower(const std::vector<double>& lower, std::size_t size) {
  // Column j of the inverse lies in row j of `turned`, so that the sums run along rows.
  std::vector<double> turned(size * size);
  for (std::size_t j = 0; j < size; ++j) {
    double* column = &turned[j * size];
    column[j] = 1 / lower[j * size + j];
    for (std::size_t i = j + 1; i < size; ++i) {
      column[i] = -dot(&lower[i * size + j], column + j, i - j) / lower[i * size + i];
    }
  }
  std::vector<double> inverse(size * size);
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t j = 0; j <= i; ++j) inverse[i * size + j] = turned[j * size + i];
  }
  return inverse;
}

std::vector<double> upperFactorOfInverse(std::vector<double> matrix, std::size_t size) {
  if (!factorize(matrix, size)) return {};
  const std::vector<double> root = invertLower(matrix, size);
  // A⁻¹ = L⁻ᵀ L⁻¹: element (i, j) sums over the rows below both.
  std::vector<double> turned(size * size);
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t j = 0; j < size; ++j) turned[j * size + i] = root[i * size + j];
  }
  std::vector<double> inverse(size * size);
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      inverse[i * size + j] = dot(&turned[i * size + i], &turned[j * size + i], size - i);
    }
  }
  if (!factorize(inverse, size)) return {};
  std::vector<double> upper(size * size);
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t j = 0; j <= i; ++j) upper[j * size + i] = inverse[i * size + j];
  }
  return upper;
}

}  // namespace enginewright
