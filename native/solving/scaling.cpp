#include "solving/scaling.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "solving/dense.hpp"

namespace enginewright {

namespace {

constexpr int ratios = 20;
constexpr int mostShrinks = 10;
constexpr double leastScale = 1e-4;
constexpr double leastSmoothScale = 1e-5;

std::vector<double> scalesOf(const Statistics& statistics, double ratio) {
  std::vector<double> scales(statistics.columns, 1.0);
  if (ratio == 0) return scales;
  double low = std::numeric_limits<double>::infinity();
  double high = 0;
  for (std::size_t j = 0; j < scales.size(); ++j) {
    scales[j] = std::max(std::pow(statistics.meanAbs[j], ratio), leastScale);
    low = std::min(low, scales[j]);
    high = std::max(high, scales[j]);
  }
  for (double& scale : scales) scale /= std::sqrt(low * high);
  return scales;
}

double errorWith(const std::vector<double>& scales, const Statistics& statistics,
                 const std::vector<const Weights*>& linears, const SolverGrid& grid) {
  double error = 0;
  for (const Weights* weights : linears) {
    const Solution solution = roundToNearest(scaleColumns(*weights, scales), grid);
    error += outputError(*weights, solution, grid, statistics, &scales);
  }
  return error;
}

/// The error of one group's outputs, e G eᵀ, with its values cut to ±limit before they are rounded.
struct GroupSearch {
  const Statistics& statistics;
  const std::vector<double>& scales;
  const SolverGrid& grid;
  std::vector<float> cut;
  std::vector<double> error;

  double at(const float* values, std::size_t first, std::size_t count, float limit) {
    cut.resize(count);
    error.resize(count);
    for (std::size_t k = 0; k < count; ++k) cut[k] = std::clamp(values[k], -limit, limit);
    const CodeRule rule = ruleOf(integerKernels().extent(cut.data(), count), grid.grid, grid.scaleDtype);
    for (std::size_t k = 0; k < count; ++k) {
      error[k] = (valueOf(codeOf(cut[k], rule), rule) - static_cast<double>(values[k])) / scales[first + k];
    }
    double sum = 0;
    for (std::size_t k = 0; k < count; ++k) {
      const double* gram = &statistics.gram[(first + k) * statistics.columns + first];
      sum += error[k] * dot(gram, error.data(), count);
    }
    return sum;
  }
};

}  // namespace

Weights scaleColumns(const Weights& weights, const std::vector<double>& scales) {
  Weights scaled = weights;
  for (std::size_t i = 0; i < scaled.values.size(); ++i) {
    scaled.values[i] = static_cast<float>(static_cast<double>(scaled.values[i]) * scales[i % weights.columns]);
  }
  return scaled;
}

std::vector<double> smoothScales(const Statistics& statistics, const std::vector<const Weights*>& linears,
                                 double alpha) {
  std::vector<double> largest(statistics.columns);
  for (const Weights* weights : linears) {
    for (std::size_t i = 0; i < weights->values.size(); ++i) {
      double& most = largest[i % weights->columns];
      most = std::max(most, std::fabs(static_cast<double>(weights->values[i])));
    }
  }
  std::vector<double> scales(statistics.columns, 1.0);
  for (std::size_t j = 0; j < scales.size(); ++j) {
    if (statistics.amax[j] == 0 || largest[j] == 0) continue;
    const double scale = std::pow(statistics.amax[j], alpha) / std::pow(largest[j], 1 - alpha);
    scales[j] = std::max(scale, leastSmoothScale);
  }
  return scales;
}

std::vector<double> searchScales(const Statistics& statistics, const std::vector<const Weights*>& linears,
                                 const SolverGrid& grid) {
  std::vector<double> best;
  double least = std::numeric_limits<double>::infinity();
  for (int k = 0; k < ratios; ++k) {
    std::vector<double> scales = scalesOf(statistics, static_cast<double>(k) / ratios);
    const double error = errorWith(scales, statistics, linears, grid);
    if (error >= least) continue;
    least = error;
    best = std::move(scales);
  }
  return best.empty() ? scalesOf(statistics, 0) : best;
}

std::vector<float> searchLimits(const Statistics& statistics, const Weights& weights,
                                const std::vector<double>& columnScales, const SolverGrid& grid) {
  const std::size_t group = grid.groupOf(weights.columns);
  const std::size_t groups = (weights.columns + group - 1) / group;
  std::vector<float> limits(weights.rows * groups);
  GroupSearch search{statistics, columnScales, grid, {}, {}};
  for (std::size_t i = 0; i < limits.size(); ++i) {
    const std::size_t first = (i % groups) * group;
    const std::size_t count = std::min(group, weights.columns - first);
    const float* values = &weights.values[(i / groups) * weights.columns + first];
    const Extent extent = integerKernels().extent(values, count);
    const float largest = std::max(-extent.low, extent.high);
    double least = std::numeric_limits<double>::infinity();
    for (int shrink = 0; shrink <= mostShrinks; ++shrink) {
      const float limit = largest * (1.0F - static_cast<float>(shrink) / 20.0F);
      const double error = search.at(values, first, count, limit);
      if (error >= least) continue;
      least = error;
      limits[i] = limit;
    }
  }
  return limits;
}

}  // namespace enginewright
