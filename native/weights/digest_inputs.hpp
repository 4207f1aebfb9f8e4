#pragma once

#include "weights/events.hpp"
#include "weights/plan.hpp"

namespace enginewright {

/// One digest event for each input, in order: sha256 of its items in row-major order.
void digestInputs(const DigestPlan& plan, EventWriter& events);

}  // namespace enginewright
