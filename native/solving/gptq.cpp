#include "solving/gptq.hpp"

#include <algorithm>
#include <numeric>

#include "solving/dense.hpp"
#include "weights/failure.hpp"

namespace enginewright {

namespace {

constexpr int mostAttempts = 6;
/// Rows walked together, so that a row of the factor is read once for all of them.
constexpr std::size_t rowsTogether = 16;

}  // namespace

GptqHessian::GptqHessian(const Statistics& statistics, const GptqOptions& options)
    : options_(options), columns_(statistics.columns), dead_(statistics.columns) {
  const std::size_t n = columns_;
  order_ = orderOf(statistics);
  double mean = 0;
  for (std::size_t j = 0; j < n; ++j) {
    dead_[j] = statistics.gram[j * n + j] == 0;
    mean += dead_[j] ? 1 : statistics.gram[j * n + j];
  }
  mean /= static_cast<double>(n);
  double damp = options.damp;
  upper_.resize(n * n);
  for (int attempt = 0; attempt < mostAttempts; ++attempt, damp *= 10) {
    // Only the lower triangle is looked at.
    for (std::size_t i = 0; i < n; ++i) {
      const double* row = &statistics.gram[order_[i] * n];
      for (std::size_t j = 0; j <= i; ++j) upper_[i * n + j] = row[order_[j]];
      if (dead_[order_[i]]) upper_[i * n + i] = 1;
      upper_[i * n + i] += damp * mean;
    }
    if (replaceByFactorOfInverse(upper_, n)) return;
  }
  throw Failure(FailureName::MergeNotFinite, "the calibration's statistics are no positive matrix");
}

std::vector<std::size_t> GptqHessian::orderOf(const Statistics& statistics) const {
  std::vector<std::size_t> order(columns_);
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (!options_.activationOrder) return order;
  const auto diagonal = [&](std::size_t j) { return statistics.gram[j * columns_ + j]; };
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return diagonal(a) > diagonal(b); });
  return order;
}

Weights GptqHessian::maskDead(const Weights& weights) const {
  Weights masked;
  if (std::find(dead_.begin(), dead_.end(), true) == dead_.end()) return masked;
  masked = weights;
  for (std::size_t i = 0; i < masked.values.size(); ++i) {
    if (dead_[i % columns_]) masked.values[i] = 0;
  }
  return masked;
}

Solution GptqHessian::solve(const Weights& weights, const SolverGrid& grid) const {
  const std::size_t n = columns_;
  const std::size_t group = grid.groupOf(n);
  const std::size_t groups = (n + group - 1) / group;
  const Weights masked = maskDead(weights);
  const Weights& alive = masked.values.empty() ? weights : masked;
  // Scales of the natural order are found when the walk enters a group; those of another order before it begins.
  Solution solution = roundToNearest(alive, grid);
  std::vector<double> rest(rowsTogether * n);
  std::vector<float> entered(group);
  for (std::size_t first = 0; first < weights.rows; first += rowsTogether) {
    const std::size_t rows = std::min(rowsTogether, weights.rows - first);
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t k = 0; k < n; ++k) {
        rest[r * n + k] = static_cast<double>(alive.values[(first + r) * n + order_[k]]);
      }
    }
    for (std::size_t k = 0; k < n; ++k) {
      const std::size_t column = order_[k];
      const double* factor = &upper_[k * n];
      for (std::size_t r = 0; r < rows; ++r) {
        double* row = &rest[r * n];
        CodeRule& rule = solution.rules[(first + r) * groups + column / group];
        if (!options_.activationOrder && column % group == 0) {
          const std::size_t count = std::min(group, n - column);
          for (std::size_t i = 0; i < count; ++i) entered[i] = static_cast<float>(row[k + i]);
          rule = ruleOf(integerKernels().extent(entered.data(), count), grid.grid, grid.scaleDtype);
        }
        const std::int8_t code = codeOf(static_cast<float>(row[k]), rule);
        solution.codes[(first + r) * n + column] = code;
        const double error = (row[k] - valueOf(code, rule)) / factor[k];
        for (std::size_t i = k + 1; i < n; ++i) row[i] -= error * factor[i];
      }
    }
  }
  return solution;
}

}  // namespace enginewright
