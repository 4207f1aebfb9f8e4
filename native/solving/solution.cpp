#include "solving/solution.hpp"

#include <algorithm>
#include <cmath>

#include "solving/dense.hpp"

namespace enginewright {

std::int8_t codeOf(float value, const CodeRule& rule) {
  // Neither a NaN nor the scale of a group with one has a code; the matrix is refused once its error is known.
  if (!(rule.scale > 0) || std::isnan(value)) return 0;
  std::int8_t code = 0;
  referenceKernels().code(&value, 1, rule, &code);
  return code;
}

Solution roundToNearest(const Weights& weights, const SolverGrid& grid, const std::vector<float>* limits) {
  const std::size_t group = grid.groupOf(weights.columns);
  const std::size_t groups = (weights.columns + group - 1) / group;
  Solution solution;
  solution.codes.resize(weights.values.size());
  solution.rules.resize(weights.rows * groups);
  std::vector<float> cut(group);
  for (std::size_t i = 0; i < solution.rules.size(); ++i) {
    const std::size_t first = (i / groups) * weights.columns + (i % groups) * group;
    const std::size_t count = std::min(group, weights.columns - (i % groups) * group);
    const float* values = &weights.values[first];
    if (limits != nullptr) {
      const float limit = (*limits)[i];
      for (std::size_t k = 0; k < count; ++k) cut[k] = std::clamp(values[k], -limit, limit);
      values = cut.data();
    }
    const CodeRule rule = ruleOf(integerKernels().extent(values, count), grid.grid, grid.scaleDtype);
    solution.rules[i] = rule;
    for (std::size_t k = 0; k < count; ++k) solution.codes[first + k] = codeOf(values[k], rule);
  }
  return solution;
}

double outputError(const Weights& weights, const Solution& solution, const SolverGrid& grid,
                   const Statistics& statistics, const std::vector<double>* columnScales) {
  const std::size_t n = weights.columns;
  const std::size_t group = grid.groupOf(n);
  const std::size_t groups = (n + group - 1) / group;
  std::vector<double> error(n);
  double sum = 0;
  for (std::size_t row = 0; row < weights.rows; ++row) {
    for (std::size_t j = 0; j < n; ++j) {
      double value = valueOf(solution.codes[row * n + j], solution.rules[row * groups + j / group]);
      if (columnScales != nullptr) value /= (*columnScales)[j];
      error[j] = value - static_cast<double>(weights.values[row * n + j]);
    }
    // e G eᵀ by its lower triangle: twice what lies below the diagonal.
    for (std::size_t i = 0; i < n; ++i) {
      const double* gram = &statistics.gram[i * n];
      sum += error[i] * (2 * dot(gram, error.data(), i) + gram[i] * error[i]);
    }
  }
  return sum;
}

}  // namespace enginewright
