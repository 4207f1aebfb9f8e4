#pragma once

#include <string>

#include "weights/events.hpp"
#include "weights/plan.hpp"

namespace enginewright {

/// Carries a plan out: checks it, writes every output aside, then renames them all. Reports progress and,
/// once all names are final, one output event for each. On any failure nothing of this run is left under any
/// name.
void writeOutputs(const WeightsPlan& plan, const std::string& nonce, EventWriter& events);

}  // namespace enginewright
