#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "check.hpp"
#include "solving/dense.hpp"
#include "solving/gptq.hpp"
#include "solving/scaling.hpp"

using namespace enginewright;

namespace {

/// Weights and inputs of a linear whose inputs are correlated and of very different size, as activations are.
struct Scene {
  Weights weights;
  Statistics statistics;
  std::vector<double> inputs;
  std::size_t tokens = 0;
};

Scene makeScene(unsigned seed, std::size_t rows, std::size_t columns) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  Scene scene;
  scene.tokens = 3 * columns;
  scene.weights = {rows, columns, std::vector<float>(rows * columns)};
  for (float& value : scene.weights.values) value = static_cast<float>(0.05 * normal(random));
  std::vector<double> mix(columns * columns);
  for (double& value : mix) value = normal(random) / std::sqrt(static_cast<double>(columns));
  std::vector<double> sizes(columns);
  for (double& size : sizes) size = std::exp(1.5 * normal(random));
  scene.inputs.resize(scene.tokens * columns);
  for (std::size_t t = 0; t < scene.tokens; ++t) {
    std::vector<double> source(columns);
    for (double& value : source) value = normal(random);
    for (std::size_t j = 0; j < columns; ++j) {
      const double mixed = source[j] + dot(&mix[j * columns], source.data(), columns);
      scene.inputs[t * columns + j] = sizes[j] * mixed;
    }
  }
  Statistics& statistics = scene.statistics;
  statistics = {columns, std::vector<double>(columns * columns), std::vector<double>(columns),
                std::vector<double>(columns)};
  for (std::size_t t = 0; t < scene.tokens; ++t) {
    const double* x = &scene.inputs[t * columns];
    for (std::size_t i = 0; i < columns; ++i) {
      statistics.meanAbs[i] += std::fabs(x[i]) / static_cast<double>(scene.tokens);
      statistics.amax[i] = std::max(statistics.amax[i], std::fabs(x[i]));
      for (std::size_t j = 0; j < columns; ++j) statistics.gram[i * columns + j] += x[i] * x[j];
    }
  }
  return scene;
}

SolverGrid gridOf(unsigned bits, std::uint64_t group, bool symmetric) {
  SolverGrid grid;
  grid.grid.bits = bits;
  grid.grid.group = group;
  grid.grid.symmetric = symmetric;
  return grid;
}

/// Σ over tokens of |(Ŵ − W) x|², token by token: an independent way to outputError.
double errorByTokens(const Scene& scene, const Solution& solution, const SolverGrid& grid) {
  const std::size_t n = scene.weights.columns;
  const std::size_t group = grid.groupOf(n);
  const std::size_t groups = (n + group - 1) / group;
  double sum = 0;
  for (std::size_t t = 0; t < scene.tokens; ++t) {
    for (std::size_t row = 0; row < scene.weights.rows; ++row) {
      double output = 0;
      for (std::size_t j = 0; j < n; ++j) {
        const double stored = valueOf(solution.codes[row * n + j], solution.rules[row * groups + j / group]);
        output += (stored - static_cast<double>(scene.weights.values[row * n + j])) * scene.inputs[t * n + j];
      }
      sum += output * output;
    }
  }
  return sum;
}

bool isClose(double a, double b, double tolerance) { return std::fabs(a - b) <= tolerance * std::fabs(b); }

void checkDense() {
  const Scene scene = makeScene(3, 1, 24);
  const std::size_t n = 24;
  std::vector<double> matrix = scene.statistics.gram;
  std::vector<double> upper = matrix;
  // What stands above the diagonal is not read.
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = i + 1; j < n; ++j) upper[i * n + j] = std::nan("");
  }
  CHECK(replaceByFactorOfInverse(upper, n));
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < i; ++j) CHECK(upper[i * n + j] == 0);
  }
  // A · (Uᵀ U) must be the identity.
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      double sum = 0;
      for (std::size_t k = 0; k < n; ++k) {
        double inverse = 0;
        for (std::size_t l = 0; l < n; ++l) inverse += upper[l * n + k] * upper[l * n + j];
        sum += matrix[i * n + k] * inverse;
      }
      CHECK(std::fabs(sum - (i == j ? 1.0 : 0.0)) < 1e-7);
    }
  }
  matrix.assign(n * n, 0.0);
  CHECK(!replaceByFactorOfInverse(matrix, n));
}

void checkIdentityIsRounding() {
  for (const bool symmetric : {true, false}) {
    for (const std::uint64_t group : {std::uint64_t{0}, std::uint64_t{16}}) {
      Scene scene = makeScene(5, 9, 48);
      scene.statistics.gram.assign(48 * 48, 0.0);
      for (std::size_t j = 0; j < 48; ++j) scene.statistics.gram[j * 48 + j] = 7;
      const SolverGrid grid = gridOf(4, group, symmetric);
      const Solution rounded = roundToNearest(scene.weights, grid);
      for (const bool activationOrder : {false, true}) {
        const Solution solved =
            GptqHessian(scene.statistics, {0.01, activationOrder}).solve(scene.weights, grid);
        CHECK(solved.codes == rounded.codes);
        for (std::size_t i = 0; i < solved.rules.size(); ++i) {
          CHECK(solved.rules[i].scale == rounded.rules[i].scale && solved.rules[i].zero == rounded.rules[i].zero);
        }
      }
    }
  }
}

struct Gains {
  std::vector<unsigned> worse;
  double meanRatio = 0;
};

/// GPTQ's error of the outputs beside that of rounding, seed by seed.
Gains countGains(const GptqOptions& options, const SolverGrid& grid) {
  constexpr unsigned seeds = 50;
  Gains gains;
  for (unsigned seed = 0; seed < seeds; ++seed) {
    const Scene scene = makeScene(100 + seed, 8, 64);
    const Solution rounded = roundToNearest(scene.weights, grid);
    const Solution solved = GptqHessian(scene.statistics, options).solve(scene.weights, grid);
    const double before = outputError(scene.weights, rounded, grid, scene.statistics, nullptr);
    const double after = outputError(scene.weights, solved, grid, scene.statistics, nullptr);
    CHECK(isClose(before, errorByTokens(scene, rounded, grid), 1e-9));
    CHECK(isClose(after, errorByTokens(scene, solved, grid), 1e-9));
    if (after > before) gains.worse.push_back(seed);
    gains.meanRatio += after / before / seeds;
  }
  return gains;
}

/// Not a theorem for each matrix, so the seeds are fixed. Where GPTQ has the scales that rounding has, by the order of
/// activations or with one group a row, none of them is worse. In natural order a later group takes its scales from
/// weights that make up for the columns before it, and these are others than rounding's. Exactly two of these seeds lose
/// by it: their second half, with nearly all of the activations, gets wider steps.
void checkGptqGains() {
  const Gains byActivation = countGains({0.01, true}, gridOf(4, 32, true));
  CHECK(byActivation.worse.empty());
  CHECK(byActivation.meanRatio < 0.5);
  CHECK(countGains({0.01, true}, gridOf(4, 32, false)).worse.empty());
  CHECK(countGains({0.01, true}, gridOf(8, 32, true)).worse.empty());
  CHECK(countGains({0.01, false}, gridOf(4, 0, true)).worse.empty());

  const Gains natural = countGains({0.01, false}, gridOf(4, 32, true));
  CHECK((natural.worse == std::vector<unsigned>{6, 7}));
  CHECK(natural.meanRatio < 0.8);
}

void checkDeadColumns() {
  Scene scene = makeScene(7, 4, 32);
  for (std::size_t i = 0; i < 32; ++i) scene.statistics.gram[5 * 32 + i] = scene.statistics.gram[i * 32 + 5] = 0;
  const Solution solved =
      GptqHessian(scene.statistics, {0.01, true}).solve(scene.weights, gridOf(8, 0, true));
  for (std::size_t row = 0; row < 4; ++row) CHECK(solved.codes[row * 32 + 5] == 0);
}

void checkAwq() {
  for (unsigned seed = 0; seed < 10; ++seed) {
    const Scene scene = makeScene(200 + seed, 8, 64);
    const SolverGrid grid = gridOf(4, 32, true);
    const std::vector<double> scales = searchScales(scene.statistics, {&scene.weights}, grid);
    const Weights scaled = scaleColumns(scene.weights, scales);
    const double plain = outputError(scene.weights, roundToNearest(scene.weights, grid), grid, scene.statistics, nullptr);
    const double found = outputError(scene.weights, roundToNearest(scaled, grid), grid, scene.statistics, &scales);
    CHECK(found <= plain);
    const std::vector<float> limits = searchLimits(scene.statistics, scaled, scales, grid);
    for (const float limit : limits) CHECK(limit > 0);
  }
}

void checkSmoothQuant() {
  const Scene scene = makeScene(9, 8, 32);
  const std::vector<double> scales = smoothScales(scene.statistics, {&scene.weights}, 0.5);
  double largest = 0;
  for (std::size_t row = 0; row < 8; ++row) {
    largest = std::max(largest, std::fabs(static_cast<double>(scene.weights.values[row * 32 + 3])));
  }
  CHECK(isClose(scales[3], std::sqrt(scene.statistics.amax[3]) / std::sqrt(largest), 1e-12));
  // W · s and x / s: the product stays but for the rounding of W · s to floats.
  const Weights scaled = scaleColumns(scene.weights, scales);
  for (std::size_t row = 0; row < 8; ++row) {
    double before = 0;
    double after = 0;
    double size = 0;
    for (std::size_t j = 0; j < 32; ++j) {
      const double term = static_cast<double>(scene.weights.values[row * 32 + j]) * scene.inputs[j];
      before += term;
      size += std::fabs(term);
      after += static_cast<double>(scaled.values[row * 32 + j]) * (scene.inputs[j] / scales[j]);
    }
    CHECK(std::fabs(before - after) <= 1e-6 * size);
  }
  Statistics dead = scene.statistics;
  dead.amax[3] = 0;
  CHECK(smoothScales(dead, {&scene.weights}, 0.5)[3] == 1);
}

}  // namespace

int main() {
  checkDense();
  checkIdentityIsRounding();
  checkGptqGains();
  checkDeadColumns();
  checkAwq();
  checkSmoothQuant();
  return enginewright::test::result();
}
