#pragma once

#include "solving/solve_plan.hpp"
#include "weights/input_file.hpp"

namespace enginewright {

/// Every range against the real length of its file, and every shape against its neighbours, before anything is
/// allocated. Throws PlanInvalid, WeightsMissing or WeightsCorrupt.
void checkSolvePlan(const SolvePlan& plan, InputFiles& inputs);

}  // namespace enginewright
