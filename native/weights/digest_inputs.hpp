#pragma once

#include "weights/events.hpp"
#include "weights/plan.hpp"
#include "weights/thread_count.hpp"

namespace enginewright {

/// One digest event for each input, in order: sha256 of its items in row-major order.
void digestInputs(const DigestPlan& plan, EventWriter& events, unsigned threads = workerThreads());

}  // namespace enginewright
