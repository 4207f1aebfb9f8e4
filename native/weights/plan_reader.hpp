#pragma once

#include <string>

#include "weights/plan.hpp"

namespace enginewright {

/// Parse the JSON text of a plan. Unknown keys and kinds are refused, because what is not understood would be
/// missing from the weights. Throws PlanInvalid naming the place, e.g. `outputs[0].pieces[3].offset`.
[[nodiscard]] WeightsPlan parseWeightsPlan(const std::string& text);
[[nodiscard]] DigestPlan parseDigestPlan(const std::string& text);

}  // namespace enginewright
