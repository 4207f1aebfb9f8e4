// What solvers work on and what they find.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "quantizing/group_rule.hpp"
#include "quantizing/scheme.hpp"

namespace enginewright {

/// A weight matrix in memory, W [rows, columns] = [out, in].
struct Weights {
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::vector<float> values;
};

/// Sums over calibration tokens of what a linear layer was given.
struct Statistics {
  std::size_t columns = 0;
  /// Σ x xᵀ.
  std::vector<double> gram;
  std::vector<double> meanAbs;
  std::vector<double> amax;
};

struct SolverGrid {
  Grid grid;
  FloatDtype scaleDtype = FloatDtype::F32;

  /// Columns of a row of so many that share a scale.
  [[nodiscard]] std::size_t groupOf(std::size_t columns) const {
    return grid.group == 0 || grid.group > columns ? columns : static_cast<std::size_t>(grid.group);
  }
};

/// Codes [rows, columns] and the rules [rows, groups] by which they are read back.
struct Solution {
  std::vector<std::int8_t> codes;
  std::vector<CodeRule> rules;
};

/// The value a code stands for.
[[nodiscard]] inline double valueOf(std::int8_t code, const CodeRule& rule) {
  return static_cast<double>(rule.scale * (static_cast<float>(code) - rule.zero));
}

/// One value's code. A scale of 0 gives 0.
[[nodiscard]] std::int8_t codeOf(float value, const CodeRule& rule);

/// Each weight to its nearest code. With a limit per [row, group], values are first cut to ±limit.
[[nodiscard]] Solution roundToNearest(const Weights& weights, const SolverGrid& grid,
                                      const std::vector<float>* limits = nullptr);

/// tr(E G Eᵀ) = Σ over tokens of |E x|², E = Ŵ − W, where Ŵ is the solution with its columns divided by `columnScales`
/// (null: by 1).
[[nodiscard]] double outputError(const Weights& weights, const Solution& solution, const SolverGrid& grid,
                                 const Statistics& statistics, const std::vector<double>* columnScales);

}  // namespace enginewright
