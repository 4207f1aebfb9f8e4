#pragma once

#include <cstddef>
#include <functional>

namespace enginewright {

struct OrderedWork {
  /// Called for one index after another, by one thread at a time; may wait for what was begun before.
  std::function<void(std::size_t)> begin;
  /// Called after it, while others are called for other indices.
  std::function<void(std::size_t)> act;
};

/// Does the work of the indices 0 … count - 1 on up to `threads` threads and waits for all. After a failure no further
/// one is begun, and of several failures that of the lowest index is rethrown: whichever thread was faster, the same plan
/// fails with the same words.
void inParallel(std::size_t count, unsigned threads, const OrderedWork& work);

}  // namespace enginewright
