// CHECK works in every build type (assert does not) and goes on, so one run shows every failure.
#pragma once

#include <cstdio>
#include <string>

#include "weights/failure.hpp"

namespace enginewright::test {

inline int& failedChecks() {
  static int count = 0;
  return count;
}

inline void check(bool holds, const char* text, const char* file, int line) {
  if (holds) return;
  ++failedChecks();
  std::fprintf(stderr, "%s:%d: CHECK(%s) does not hold\n", file, line, text);
}

/// The name of the failure `act` throws, or "" if it throws none.
template <typename Act>
std::string failureOf(Act act) {
  try {
    act();
  } catch (const Failure& failure) {
    return textOf(failure.name());
  }
  return "";
}

/// What main returns where it cannot run on this machine; ctest then says so (SKIP_RETURN_CODE).
inline int skipped(const char* why) {
  std::printf("skipped: %s\n", why);
  return 77;
}

inline int result() { return failedChecks() == 0 ? 0 : 1; }

}  // namespace enginewright::test

#define CHECK(condition) enginewright::test::check((condition), #condition, __FILE__, __LINE__)
