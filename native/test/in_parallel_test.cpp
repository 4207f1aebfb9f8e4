#include "weights/in_parallel.hpp"

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "check.hpp"

using namespace enginewright;

namespace {

void checkEachIsCalledOnce() {
  for (const unsigned threads : {1U, 2U, 7U}) {
    std::vector<std::atomic<int>> calls(100);
    inParallel(calls.size(), threads, [&](std::size_t index) { ++calls[index]; });
    for (const auto& count : calls) CHECK(count == 1);
    inParallel(0, threads, [&](std::size_t) { CHECK(false); });
  }
}

/// Both fail, the later one first; what is told is what one thread alone would have told.
void checkTheEarliestFailureIsTold() {
  std::atomic<bool> laterFailed{false};
  std::atomic<int> begun{0};
  std::string told;
  try {
    inParallel(1000, 2, [&](std::size_t index) {
      ++begun;
      if (index == 3) {
        while (!laterFailed) std::this_thread::yield();
        throw std::runtime_error("three");
      }
      if (index == 5) {
        laterFailed = true;
        throw std::runtime_error("five");
      }
    });
  } catch (const std::runtime_error& error) {
    told = error.what();
  }
  CHECK(told == "three");
  CHECK(begun <= 6);
}

}  // namespace

int main() {
  checkEachIsCalledOnce();
  checkTheEarliestFailureIsTold();
  return test::result();
}
