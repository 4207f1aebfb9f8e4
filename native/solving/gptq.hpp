// GPTQ (Frantar et al., arXiv 2210.17323; reference: IST-DASLab/gptq, gptq.py): columns are rounded one after the other,
// and each one's error is made up for by the columns that follow, weighted by the inverse Hessian H = 2 Σ x xᵀ / n.
#pragma once

#include "solving/solution.hpp"

namespace enginewright {

struct GptqOptions {
  /// Added to the diagonal, as a share of its mean; raised tenfold while the matrix is not positive definite.
  double damp = 0.01;
  /// Columns with large activations first. Groups stay where they are and their scales come from the original weights.
  bool activationOrder = false;
};

/// The walk's matrix, shared by all linears with one input.
class GptqHessian {
 public:
  /// Throws MergeNotFinite when no damping makes the statistics usable.
  GptqHessian(const Statistics& statistics, const GptqOptions& options);

  [[nodiscard]] Solution solve(const Weights& weights, const SolverGrid& grid) const;

 private:
  [[nodiscard]] std::vector<std::size_t> orderOf(const Statistics& statistics) const;
  /// With 0 in the columns that were never given anything; empty where there is none.
  [[nodiscard]] Weights maskDead(const Weights& weights) const;

  GptqOptions options_;
  std::size_t columns_;
  /// Column at each place of the walk.
  std::vector<std::size_t> order_;
  /// Upper factor of the inverse, in the walk's order.
  std::vector<double> upper_;
  /// Columns that were never given anything: their weights become 0.
  std::vector<bool> dead_;
};

}  // namespace enginewright
