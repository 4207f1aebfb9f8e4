#include "weights/in_parallel.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace enginewright {

namespace {

class Workers {
 public:
  Workers(std::size_t count, const OrderedWork& work) : count_(count), work_(work) {}

  void run() {
    while (const std::optional<std::size_t> index = begin()) {
      try {
        work_.act(*index);
      } catch (...) {
        fail(*index, std::current_exception());
      }
    }
  }

  /// Nothing more is begun.
  void stop() { stopped_ = true; }

  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  std::optional<std::size_t> begin() {
    const std::lock_guard lock(beginning_);
    if (stopped_ || next_ == count_) return std::nullopt;
    const std::size_t index = next_++;
    try {
      work_.begin(index);
      return index;
    } catch (...) {
      fail(index, std::current_exception());
      return std::nullopt;
    }
  }

  /// With a lock of its own: whoever begins may be waiting for what fails here.
  void fail(std::size_t index, std::exception_ptr failure) {
    const std::lock_guard lock(failing_);
    stopped_ = true;
    if (failure_ && failed_ < index) return;
    failed_ = index;
    failure_ = std::move(failure);
  }

  std::size_t count_;
  const OrderedWork& work_;
  std::atomic<bool> stopped_{false};
  std::mutex beginning_;
  std::size_t next_ = 0;
  std::mutex failing_;
  std::size_t failed_ = 0;
  std::exception_ptr failure_;
};

}  // namespace

void inParallel(std::size_t count, unsigned threads, const OrderedWork& work) {
  Workers workers(count, work);
  std::vector<std::thread> others;
  const std::size_t wanted = std::min<std::size_t>(count, threads);
  try {
    while (others.size() + 1 < wanted) others.emplace_back([&] { workers.run(); });
  } catch (...) {
    // No more threads to be had: those that started must end before what they use is gone.
    workers.stop();
    for (std::thread& thread : others) thread.join();
    throw;
  }
  workers.run();
  for (std::thread& thread : others) thread.join();
  workers.rethrow();
}

}  // namespace enginewright
