// Square matrices of doubles, row-major: what second-order quantization needs of linear algebra.
#pragma once

#include <cstddef>
#include <vector>

namespace enginewright {

/// Σ a[i] b[i], in eight lanes whatever the CPU, so that every host gives the same bits.
[[nodiscard]] double dot(const double* a, const double* b, std::size_t count);

/// Replaces the lower triangle of a symmetric matrix by its Cholesky factor L (A = L Lᵀ) and clears the upper one.
/// False when the matrix is not positive definite; then it is of no use.
[[nodiscard]] bool factorize(std::vector<double>& matrix, std::size_t size);

/// The inverse of a lower triangular matrix.
[[nodiscard]] std::vector<double> invertLower(const std::vector<double>& lower, std::size_t size);

/// The upper Cholesky factor U of A⁻¹ (A⁻¹ = Uᵀ U), which GPTQ walks along. Empty when A is not positive definite.
[[nodiscard]] std::vector<double> upperFactorOfInverse(std::vector<double> matrix, std::size_t size);

}  // namespace enginewright
