#pragma once

#include <string>

#include "solving/solve_plan.hpp"
#include "weights/events.hpp"

namespace enginewright {

/// Carries a solve plan out, one group of linears in memory at a time. Nothing is left under any name after a failure.
void solveLinears(const SolvePlan& plan, const std::string& nonce, EventWriter& events);

}  // namespace enginewright
