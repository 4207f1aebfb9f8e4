#include "solving/solve.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "quantizing/quantization_error.hpp"
#include "solving/placed_file.hpp"
#include "solving/scaling.hpp"
#include "solving/solve_check.hpp"
#include "weights/box_reader.hpp"
#include "weights/failure.hpp"
#include "weights/float_blocks.hpp"
#include "weights/input_file.hpp"
#include "weights/progress.hpp"

namespace enginewright {

namespace {

constexpr std::uint64_t largestSize = std::uint64_t{1} << 40U;
/// Weights that are widened at once.
constexpr std::size_t blockValues = std::size_t{1} << 20U;

[[noreturn]] void refuseNotFinite(const std::string& name, const std::string& what) {
  throw Failure(FailureName::MergeNotFinite, "\"" + name + "\" has " + what, name);
}

void requireFinite(const std::vector<float>& values, const std::string& name, const std::string& what) {
  if (!integerKernels().allFinite(values.data(), values.size())) refuseNotFinite(name, what);
}

class LinearSolver {
 public:
  LinearSolver(const SolvePlan& plan, const std::string& nonce, EventWriter& events)
      : plan_(plan), events_(events), file_(plan.path, nonce, plan.bytes), meter_(events, countBytes(plan)) {}

  void run() {
    file_.put(0, plan_.header.data(), plan_.header.size());
    for (const LinearGroupPlan& group : plan_.groups) solveGroup(group);
    file_.publish();
  }

 private:
  static std::uint64_t countBytes(const SolvePlan& plan) {
    std::uint64_t total = 0;
    for (const LinearGroupPlan& group : plan.groups) {
      for (const LinearPlan& linear : group.linears) total += linear.weights.rows * linear.weights.columns;
    }
    return total;
  }

  std::vector<double> readDoubles(const std::string& path, std::uint64_t offset, std::uint64_t count) {
    if (count > largestSize) throw Failure(FailureName::PlanInvalid, "the statistics in " + path + " are too large");
    std::vector<double> values(static_cast<std::size_t>(count));
    inputs_.open(path).readAt(offset, reinterpret_cast<std::uint8_t*>(values.data()), values.size() * sizeof(double));
    for (const double value : values) {
      if (!std::isfinite(value)) throw Failure(FailureName::WeightsCorrupt, path + " holds statistics that are not finite");
    }
    return values;
  }

  Statistics readStatistics(const StatisticsRange& range) {
    Statistics statistics;
    statistics.columns = static_cast<std::size_t>(range.columns);
    statistics.gram = readDoubles(range.file, range.gram, range.columns * range.columns);
    statistics.meanAbs = readDoubles(range.file, range.meanAbs, range.columns);
    statistics.amax = readDoubles(range.file, range.amax, range.columns);
    return statistics;
  }

  std::vector<float> readFloats(const MatrixRange& range, const std::string& name) {
    const auto columns = static_cast<std::size_t>(range.columns);
    const std::size_t itemBytes = bytesOf(range.dtype);
    std::vector<float> values;
    values.reserve(static_cast<std::size_t>(range.rows) * columns);
    std::vector<std::uint8_t> bytes;
    std::vector<double> wide;
    const std::uint64_t most = std::max<std::uint64_t>(1, blockValues / std::max<std::size_t>(1, columns));
    for (std::uint64_t first = 0; first < range.rows; first += most) {
      const std::uint64_t rows = std::min(most, range.rows - first);
      const std::size_t count = static_cast<std::size_t>(rows) * columns;
      std::vector<Axis> axes{{rows, range.rowStride, range.columns}, {range.columns, range.columnStride, 1}};
      bytes.resize(count * itemBytes);
      reader_.read(inputs_.open(range.file), range.offset + first * range.rowStride * itemBytes, itemBytes, axes,
                   bytes.data());
      wide.resize(count);
      decodeBlock(range.dtype, bytes.data(), count, wide.data());
      values.insert(values.end(), wide.begin(), wide.end());
    }
    requireFinite(values, name, "values that are not finite");
    return values;
  }

  /// With its rows divided by the scales of a group that was solved before.
  Weights readWeights(const LinearPlan& linear, std::size_t columns) {
    Weights weights{static_cast<std::size_t>(linear.weights.rows), static_cast<std::size_t>(linear.weights.columns),
                    readFloats(linear.weights, linear.name)};
    if (weights.columns != columns) {
      throw Failure(FailureName::PlanInvalid, linear.name + " has other columns than its statistics", linear.name);
    }
    const auto divisors = rowDivisors_.find(linear.name);
    if (divisors == rowDivisors_.end()) return weights;
    for (std::size_t i = 0; i < weights.values.size(); ++i) {
      weights.values[i] =
          static_cast<float>(static_cast<double>(weights.values[i]) / divisors->second[i / weights.columns]);
    }
    requireFinite(weights.values, linear.name, "rows that leave the range of F32 once they are divided");
    return weights;
  }

  void solveGroup(const LinearGroupPlan& group) {
    const Statistics statistics = readStatistics(group.statistics);
    std::vector<Weights> weights;
    for (const LinearPlan& linear : group.linears) weights.push_back(readWeights(linear, statistics.columns));
    std::vector<const Weights*> all;
    for (const Weights& one : weights) all.push_back(&one);

    const bool folds = group.vectorFold.has_value() || !group.rowFold.empty();
    std::vector<double> scales(statistics.columns, 1.0);
    if (folds && plan_.method == SolveMethod::Awq) scales = searchScales(statistics, all, plan_.grid);
    if (folds && plan_.method == SolveMethod::SmoothQuant) scales = smoothScales(statistics, all, plan_.alpha);
    fold(group, scales);

    std::optional<GptqHessian> hessian;
    if (plan_.method == SolveMethod::Gptq) hessian.emplace(hessianOf(group, statistics));
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const Solution solution = hessian ? hessian->solve(weights[i], plan_.grid)
                                        : roundScaled(group.linears[i], weights[i], statistics, scales);
      write(group.linears[i], weights[i], solution);
      report(group.linears[i], weights[i], solution, statistics, scales);
    }
  }

  /// Of messages that are about a whole group.
  static std::string nameOf(const LinearGroupPlan& group) {
    return group.linears.empty() ? "no linear" : group.linears.front().name;
  }

  GptqHessian hessianOf(const LinearGroupPlan& group, const Statistics& statistics) const {
    try {
      return GptqHessian(statistics, plan_.gptq);
    } catch (const Failure& failure) {
      throw Failure(failure.name(), "\"" + nameOf(group) + "\": " + failure.what(), nameOf(group));
    }
  }

  Solution roundScaled(const LinearPlan& linear, const Weights& weights, const Statistics& statistics,
                       const std::vector<double>& scales) {
    const Weights scaled = scaleColumns(weights, scales);
    if (plan_.method != SolveMethod::Awq || !linear.clip) return roundToNearest(scaled, plan_.grid);
    const std::vector<float> limits = searchLimits(statistics, scaled, scales, plan_.grid);
    return roundToNearest(scaled, plan_.grid, &limits);
  }

  void fold(const LinearGroupPlan& group, const std::vector<double>& scales) {
    if (!group.rowFold.empty()) rowDivisors_[group.rowFold] = scales;
    if (!group.vectorFold) return;
    const std::string norm = "the norm before " + nameOf(group);
    std::vector<float> vector = readFloats(group.vectorFold->vector, norm);
    if (vector.size() != scales.size()) throw Failure(FailureName::PlanInvalid, "a norm does not fit its linears");
    for (std::size_t j = 0; j < vector.size(); ++j) {
      vector[j] = static_cast<float>(static_cast<double>(vector[j]) / scales[j]);
    }
    requireFinite(vector, norm, "values that leave the range of F32 once they are divided");
    file_.put(group.vectorFold->to, vector.data(), vector.size() * sizeof(float));
  }

  void write(const LinearPlan& linear, const Weights& weights, const Solution& solution) {
    file_.put(linear.codes, solution.codes.data(), solution.codes.size());
    std::vector<float> scales;
    std::vector<std::int8_t> zeros;
    for (const CodeRule& rule : solution.rules) {
      scales.push_back(storedScale(rule.scale, plan_.grid.scaleDtype));
      zeros.push_back(static_cast<std::int8_t>(rule.zero));
    }
    requireFinite(scales, linear.name, std::string("a scale beyond ") + textOf(plan_.grid.scaleDtype));
    file_.put(linear.scales, scales.data(), scales.size() * sizeof(float));
    if (linear.zeros) file_.put(*linear.zeros, zeros.data(), zeros.size());
    meter_.advance(weights.values.size(), linear.name);
  }

  void report(const LinearPlan& linear, const Weights& weights, const Solution& solution,
              const Statistics& statistics, const std::vector<double>& scales) {
    const Solution rounded = roundToNearest(weights, plan_.grid);
    const double before = outputError(weights, rounded, plan_.grid, statistics, nullptr);
    const double after = outputError(weights, solution, plan_.grid, statistics, &scales);
    const QuantizationError error = distance(weights, solution, scales);
    if (!std::isfinite(before) || !std::isfinite(after) || !isFinite(error)) {
      refuseNotFinite(linear.name, "outputs whose error is not finite");
    }
    events_.solved(linear.name, before, after);
    events_.quantized(linear.name, error);
  }

  /// From the original, with the scales undone.
  [[nodiscard]] QuantizationError distance(const Weights& weights, const Solution& solution,
                                           const std::vector<double>& scales) const {
    const std::size_t group = plan_.grid.groupOf(weights.columns);
    const std::size_t groups = (weights.columns + group - 1) / group;
    double original = 0;
    double stored = 0;
    double product = 0;
    double error = 0;
    QuantizationError found;
    for (std::size_t i = 0; i < weights.values.size(); ++i) {
      const std::size_t column = i % weights.columns;
      const CodeRule& rule = solution.rules[(i / weights.columns) * groups + column / group];
      const double w = static_cast<double>(weights.values[i]);
      const double q = valueOf(solution.codes[i], rule) / scales[column];
      original += w * w;
      stored += q * q;
      product += w * q;
      error += (w - q) * (w - q);
      found.maxAbs = std::max(found.maxAbs, std::fabs(w - q));
    }
    if (original > 0) found.relativeFrobenius = std::sqrt(error / original);
    if (original > 0 && stored > 0) found.cosine = product / std::sqrt(original * stored);
    if (original > 0 && error > 0) found.sqnr = 10 * std::log10(original / error);
    return found;
  }

  const SolvePlan& plan_;
  EventWriter& events_;
  PlacedFile file_;
  ProgressMeter meter_;
  InputFiles inputs_;
  BoxReader reader_;
  std::map<std::string, std::vector<double>> rowDivisors_;
};

}  // namespace

void solveLinears(const SolvePlan& plan, const std::string& nonce, EventWriter& events) {
  InputFiles inputs;
  checkSolvePlan(plan, inputs);
  LinearSolver(plan, nonce, events).run();
}

}  // namespace enginewright
