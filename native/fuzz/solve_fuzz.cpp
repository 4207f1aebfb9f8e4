// A text as a plan of solve, carried out on a small file.
#include <cstddef>
#include <cstdint>
#include <string>

#include "fuzz/fuzz_folder.hpp"
#include "solving/solve.hpp"
#include "solving/solve_plan.hpp"

namespace {

using namespace enginewright;

/// The solvers are cubic: a few columns are enough, and sizes beyond the file stay, as they have to be refused.
constexpr std::uint64_t mostColumns = 24;

bool isQuick(std::uint64_t size) { return size <= mostColumns || size > fuzz::FuzzFolder::inputBytes; }

bool tame(MatrixRange& matrix) {
  matrix.file = fuzz::fuzzFolder().input();
  return isQuick(matrix.rows) && isQuick(matrix.columns);
}

bool tame(SolvePlan& plan) {
  plan.path = fuzz::fuzzFolder().output(0);
  bool quick = plan.groups.size() <= 4;
  for (LinearGroupPlan& group : plan.groups) {
    group.statistics.file = fuzz::fuzzFolder().input();
    quick = quick && isQuick(group.statistics.columns) && group.linears.size() <= 4;
    for (LinearPlan& linear : group.linears) quick = tame(linear.weights) && quick;
    if (group.vectorFold) quick = tame(group.vectorFold->vector) && quick;
  }
  return quick;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t count) {
  fuzz::endsProperly([&] {
    SolvePlan plan = parseSolvePlan(std::string(reinterpret_cast<const char*>(bytes), count));
    if (!tame(plan)) return;
    EventWriter events = fuzz::fuzzFolder().events();
    solveLinears(plan, "fuzz", events);
  });
  fuzz::fuzzFolder().tidy(1);
  return 0;
}
