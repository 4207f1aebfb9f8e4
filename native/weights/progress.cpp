#include "weights/progress.hpp"

namespace enginewright {

namespace {

constexpr std::chrono::milliseconds interval{100};

}  // namespace

ProgressMeter::ProgressMeter(EventWriter& events, std::uint64_t totalBytes)
    : events_(events), totalBytes_(totalBytes), reported_(std::chrono::steady_clock::now()) {
  events_.progress(0, totalBytes_, "");
}

void ProgressMeter::advance(std::uint64_t bytes, const std::string& name) {
  const std::lock_guard lock(mutex_);
  doneBytes_ += bytes;
  const auto now = std::chrono::steady_clock::now();
  if (doneBytes_ < totalBytes_ && now - reported_ < interval) return;
  reported_ = now;
  events_.progress(doneBytes_, totalBytes_, name);
}

}  // namespace enginewright
