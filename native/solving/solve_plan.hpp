// core/domain/solve-plan.ts in C++ words.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "solving/gptq.hpp"
#include "weights/matrix_range.hpp"

namespace enginewright {

enum class SolveMethod { Gptq, Awq, SmoothQuant };

struct LinearPlan {
  std::string name;
  MatrixRange weights;
  std::uint64_t codes = 0;
  std::uint64_t scales = 0;
  std::optional<std::uint64_t> zeros;
  bool clip = false;
};

struct StatisticsRange {
  std::string file;
  std::uint64_t columns = 0;
  std::uint64_t gram = 0;
  std::uint64_t meanAbs = 0;
  std::uint64_t amax = 0;
};

struct VectorFold {
  MatrixRange vector;
  std::uint64_t to = 0;
};

struct LinearGroupPlan {
  StatisticsRange statistics;
  std::vector<LinearPlan> linears;
  std::optional<VectorFold> vectorFold;
  /// The linear of a later group whose rows are divided; empty for none.
  std::string rowFold;
};

struct SolvePlan {
  std::string path;
  std::uint64_t bytes = 0;
  std::vector<std::uint8_t> header;
  SolverGrid grid;
  SolveMethod method = SolveMethod::Gptq;
  GptqOptions gptq;
  double alpha = 0.5;
  std::vector<LinearGroupPlan> groups;
};

/// Throws PlanInvalid naming the place.
[[nodiscard]] SolvePlan parseSolvePlan(const std::string& text);

}  // namespace enginewright
