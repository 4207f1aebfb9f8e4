// Scales for columns, to be undone in whatever comes before: SmoothQuant (Xiao et al., arXiv 2211.10438; mit-han-lab/
// smoothquant, smooth.py) and AWQ (Lin et al., arXiv 2306.00978; mit-han-lab/llm-awq, auto_scale.py and auto_clip.py).
#pragma once

#include <vector>

#include "solving/solution.hpp"

namespace enginewright {

/// s = max|x|^alpha / max|w|^(1 - alpha), at least 1e-5; 1 for columns that were never given anything.
[[nodiscard]] std::vector<double> smoothScales(const Statistics& statistics,
                                               const std::vector<const Weights*>& linears, double alpha);

/// Of s = mean|x|^ratio, ratio 0, 0.05 … 0.95, each normalised by √(max · min), the one with the least error of the
/// outputs of all linears together. Ratio 0 is no scaling at all.
[[nodiscard]] std::vector<double> searchScales(const Statistics& statistics,
                                               const std::vector<const Weights*>& linears, const SolverGrid& grid);

/// For each [row, group] the largest magnitude worth keeping: of 1, 0.95 … 0.5 times the largest the one with the least
/// error of the outputs. `weights` are scaled by `columnScales` already.
[[nodiscard]] std::vector<float> searchLimits(const Statistics& statistics, const Weights& weights,
                                              const std::vector<double>& columnScales, const SolverGrid& grid);

/// W · diag(scales).
[[nodiscard]] Weights scaleColumns(const Weights& weights, const std::vector<double>& scales);

}  // namespace enginewright
