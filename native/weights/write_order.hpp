// In which order the pieces of a plan are begun.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "weights/plan.hpp"

namespace enginewright {

struct WriteStep {
  std::size_t output;
  /// Absent for an output without pieces, which is created all the same.
  std::optional<std::size_t> piece;
  /// An output that must be complete before this one is begun; all of its pieces come earlier in the order.
  std::optional<std::size_t> waitsFor;
};

/// The pieces of an output follow each other. Of two outputs at a time the one comes next that is behind, because an
/// output's digest is taken by one thread: two of them keep two cores busy. One more may be waiting for its disk.
[[nodiscard]] std::vector<WriteStep> writeOrder(const WeightsPlan& plan);

}  // namespace enginewright
