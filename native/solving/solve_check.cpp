#include "solving/solve_check.hpp"

#include <map>
#include <string>

#include "weights/failure.hpp"
#include "weights/plan_check.hpp"

namespace enginewright {

namespace {

[[noreturn]] void refuse(const std::string& name, const std::string& problem) {
  throw Failure(FailureName::PlanInvalid, "\"" + name + "\" " + problem, name);
}

void checkStatistics(const StatisticsRange& range, InputFiles& inputs) {
  const std::uint64_t n = range.columns;
  if (n == 0) throw Failure(FailureName::PlanInvalid, "the statistics in " + range.file + " have no columns");
  checkView({range.file, range.gram, sizeof(double), {n, n}, {n, 1}}, "statistics", inputs);
  checkView({range.file, range.meanAbs, sizeof(double), {n}, {1}}, "statistics", inputs);
  checkView({range.file, range.amax, sizeof(double), {n}, {1}}, "statistics", inputs);
}

}  // namespace

void checkSolvePlan(const SolvePlan& plan, InputFiles& inputs) {
  // Rows of these are divided by scales of so many columns.
  std::map<std::string, std::uint64_t> rowsOf;
  for (const LinearGroupPlan& group : plan.groups) {
    checkStatistics(group.statistics, inputs);
    const std::uint64_t columns = group.statistics.columns;
    for (const LinearPlan& linear : group.linears) {
      checkHeldMatrix(linear.weights, linear.name, inputs);
      if (linear.weights.rows == 0) refuse(linear.name, "has no rows");
      if (linear.weights.columns != columns) refuse(linear.name, "has other columns than its statistics");
      const auto folded = rowsOf.find(linear.name);
      if (folded != rowsOf.end() && folded->second != linear.weights.rows) {
        refuse(linear.name, "has other rows than the scales that divide them");
      }
    }
    if (!group.rowFold.empty()) rowsOf[group.rowFold] = columns;
    if (!group.vectorFold) continue;
    checkHeldMatrix(group.vectorFold->vector, "a norm", inputs);
    const MatrixRange& vector = group.vectorFold->vector;
    if (vector.rows != 1 || vector.columns != columns) {
      throw Failure(FailureName::PlanInvalid, "a norm does not fit its linears");
    }
  }
}

}  // namespace enginewright
