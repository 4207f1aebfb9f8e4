#pragma once

#include <string>

#include "weights/events.hpp"
#include "weights/plan.hpp"
#include "weights/thread_count.hpp"

namespace enginewright {

/// Carries a plan out: checks it, writes every output aside, then renames them all. Reports progress and, once all
/// names are final, the errors of quantized pieces and one output event for each output, in the order of the plan. On
/// any failure nothing of this run is left under any name. The bytes do not depend on the number of threads.
void writeOutputs(const WeightsPlan& plan, const std::string& nonce, EventWriter& events,
                  unsigned threads = workerThreads());

}  // namespace enginewright
