// Square matrices of doubles, row-major: what second-order quantization needs of linear algebra.
#pragma once

#include <cstddef>
#include <vector>

namespace enginewright {

/// Σ a[i] b[i], in eight lanes whatever the CPU, so that every host gives the same bits.
[[nodiscard]] double dot(const double* a, const double* b, std::size_t count);

/// Replaces a symmetric matrix A, of which only the lower triangle is read, by the upper Cholesky factor U of A⁻¹
/// (A⁻¹ = Uᵀ U), which GPTQ walks along; zeros below it. Works in the matrix itself and one vector. False when A is
/// not positive definite; then the matrix is of no use.
[[nodiscard]] bool replaceByFactorOfInverse(std::vector<double>& matrix, std::size_t size);

}  // namespace enginewright
