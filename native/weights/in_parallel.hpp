#pragma once

#include <cstddef>
#include <functional>

namespace enginewright {

/// Calls act(0) … act(count - 1) on up to `threads` threads, each begun in order, and waits for all. After a failure
/// no further one is begun, and of several failures that of the lowest index is rethrown: whichever thread was
/// faster, the same plan fails with the same words.
void inParallel(std::size_t count, unsigned threads, const std::function<void(std::size_t)>& act);

}  // namespace enginewright
