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
    std::size_t begun = 0;
    const auto begin = [&](std::size_t index) { CHECK(index == begun++); };
    inParallel(calls.size(), threads, {begin, [&](std::size_t index) { ++calls[index]; }});
    for (const auto& count : calls) CHECK(count == 1);
    inParallel(0, threads, {begin, [&](std::size_t) { CHECK(false); }});
  }
}

/// Both fail, the later one first; what is told is what one thread alone would have told.
void checkTheEarliestFailureIsTold() {
  std::atomic<bool> laterFailed{false};
  std::atomic<int> begun{0};
  std::string told;
  try {
    const auto act = [&](std::size_t index) {
      ++begun;
      if (index == 3) {
        while (!laterFailed) std::this_thread::yield();
        throw std::runtime_error("three");
      }
      if (index == 5) {
        laterFailed = true;
        throw std::runtime_error("five");
      }
    };
    inParallel(1000, 2, {[](std::size_t) {}, act});
  } catch (const std::runtime_error& error) {
    told = error.what();
  }
  CHECK(told == "three");
  CHECK(begun <= 6);
}

/// Beginning one waits for another, and that one fails.
void checkFailureEndsWaiting() {
  std::atomic<bool> failed{false};
  std::string told;
  const auto begin = [&](std::size_t index) {
    while (index == 1 && !failed) std::this_thread::yield();
    if (index == 1) throw std::runtime_error("gave up waiting");
  };
  const auto act = [&](std::size_t) {
    failed = true;
    throw std::runtime_error("the cause");
  };
  try {
    inParallel(5, 3, {begin, act});
  } catch (const std::runtime_error& error) {
    told = error.what();
  }
  CHECK(told == "the cause");
}

}  // namespace

int main() {
  checkFailureEndsWaiting();
  checkEachIsCalledOnce();
  checkTheEarliestFailureIsTold();
  return test::result();
}
