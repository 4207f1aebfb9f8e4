#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

#include "weights/events.hpp"

namespace enginewright {

/// Turns bytes done into progress events: the first, the last, and at most ten a second between them.
class ProgressMeter {
 public:
  ProgressMeter(EventWriter& events, std::uint64_t totalBytes);

  /// `name` is the tensor in work, or empty. Threads may call this at once.
  void advance(std::uint64_t bytes, const std::string& name);

 private:
  std::mutex mutex_;
  EventWriter& events_;
  std::uint64_t totalBytes_;
  std::uint64_t doneBytes_ = 0;
  std::chrono::steady_clock::time_point reported_;
};

}  // namespace enginewright
