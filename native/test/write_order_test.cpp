#include "weights/write_order.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "check.hpp"

using namespace enginewright;

namespace {

/// Outputs whose pieces are literal bytes of these sizes.
WeightsPlan planOf(const std::vector<std::vector<std::size_t>>& outputs) {
  WeightsPlan plan;
  for (const std::vector<std::size_t>& pieces : outputs) {
    OutputPlan output{"/" + std::to_string(plan.outputs.size()), 0, {}};
    for (const std::size_t bytes : pieces) output.pieces.push_back({BytesPiece{std::vector<std::uint8_t>(bytes)}, {}, ""});
    plan.outputs.push_back(std::move(output));
  }
  return plan;
}

std::vector<std::size_t> outputsOf(const std::vector<WriteStep>& steps) {
  std::vector<std::size_t> outputs;
  for (const WriteStep& step : steps) outputs.push_back(step.output);
  return outputs;
}

void checkTwoAdvanceTogether() {
  const auto steps = writeOrder(planOf({{10, 10, 10}, {20, 10}, {5}}));
  CHECK((outputsOf(steps) == std::vector<std::size_t>{0, 1, 0, 0, 1, 2}));
}

/// All pieces of one output in their order, and whoever waits, waits for what was begun altogether.
void checkNobodyWaitsForLater() {
  std::vector<std::vector<std::size_t>> sizes{{1000}};
  for (std::size_t i = 0; i < 12; ++i) sizes.emplace_back(i % 4, 1 + i * 7 % 5);
  const auto steps = writeOrder(planOf(sizes));
  std::vector<std::size_t> given(sizes.size(), 0);
  std::vector<bool> isWaitedFor(sizes.size(), false);
  for (const WriteStep& step : steps) {
    if (step.piece) CHECK(*step.piece == given[step.output]);
    if (step.waitsFor) {
      CHECK(given[step.output] == 0 && given[*step.waitsFor] == std::max<std::size_t>(1, sizes[*step.waitsFor].size()));
      CHECK(!isWaitedFor[*step.waitsFor]);
      isWaitedFor[*step.waitsFor] = true;
    }
    ++given[step.output];
    std::size_t unfinished = 0;
    for (std::size_t i = 0; i < sizes.size(); ++i) unfinished += given[i] > 0 && !isWaitedFor[i] ? 1U : 0U;
    CHECK(unfinished <= 3);
  }
  for (std::size_t i = 0; i < sizes.size(); ++i) CHECK(given[i] == std::max<std::size_t>(1, sizes[i].size()));
}

}  // namespace

int main() {
  checkTwoAdvanceTogether();
  checkNobodyWaitsForLater();
  CHECK(writeOrder({}).empty());
  return test::result();
}
