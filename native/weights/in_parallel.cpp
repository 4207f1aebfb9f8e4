#include "weights/in_parallel.hpp"

#include <algorithm>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace enginewright {

namespace {

class Workers {
 public:
  Workers(std::size_t count, const std::function<void(std::size_t)>& act) : count_(count), act_(act) {}

  void work() {
    for (;;) {
      const std::size_t index = begin();
      if (index == count_) return;
      try {
        act_(index);
      } catch (...) {
        fail(index, std::current_exception());
      }
    }
  }

  /// Nothing more is begun.
  void stop() {
    const std::lock_guard lock(mutex_);
    next_ = count_;
  }

  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  std::size_t begin() {
    const std::lock_guard lock(mutex_);
    return next_ == count_ ? count_ : next_++;
  }

  void fail(std::size_t index, std::exception_ptr failure) {
    const std::lock_guard lock(mutex_);
    next_ = count_;
    if (failure_ && failed_ < index) return;
    failed_ = index;
    failure_ = std::move(failure);
  }

  std::size_t count_;
  const std::function<void(std::size_t)>& act_;
  std::mutex mutex_;
  std::size_t next_ = 0;
  std::size_t failed_ = 0;
  std::exception_ptr failure_;
};

}  // namespace

void inParallel(std::size_t count, unsigned threads, const std::function<void(std::size_t)>& act) {
  Workers workers(count, act);
  std::vector<std::thread> others;
  const std::size_t wanted = std::min<std::size_t>(count, threads);
  try {
    while (others.size() + 1 < wanted) others.emplace_back([&] { workers.work(); });
  } catch (...) {
    // No more threads to be had: those that started must end before what they use is gone.
    workers.stop();
    for (std::thread& thread : others) thread.join();
    throw;
  }
  workers.work();
  for (std::thread& thread : others) thread.join();
  workers.rethrow();
}

}  // namespace enginewright
