#include "statistics/gram.hpp"

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "check.hpp"

namespace {

void checkAgainstPlainSums(std::size_t tokens, std::size_t columns) {
  const std::size_t stride = columns + 3;
  std::mt19937 random(static_cast<unsigned>(tokens * 1000 + columns));
  std::normal_distribution<float> normal;
  std::vector<float> rows(tokens * stride);
  for (float& value : rows) value = normal(random);
  std::vector<double> gram(columns * columns);
  std::vector<double> absolute(columns);
  std::vector<double> largest(columns);
  // In two calls, as two batches come.
  const std::size_t half = tokens / 2;
  CHECK(enginewright_add_gram(rows.data(), half, columns, stride, gram.data(), absolute.data(), largest.data()) == 0);
  CHECK(enginewright_add_gram(rows.data() + half * stride, tokens - half, columns, stride, gram.data(),
                              absolute.data(), largest.data()) == 0);
  enginewright_complete_gram(gram.data(), columns);
  for (std::size_t i = 0; i < columns; ++i) {
    double sum = 0;
    double most = 0;
    for (std::size_t t = 0; t < tokens; ++t) {
      const double value = std::fabs(static_cast<double>(rows[t * stride + i]));
      sum += value;
      most = std::max(most, value);
    }
    CHECK(absolute[i] == sum && largest[i] == most);
    for (std::size_t j = 0; j < columns; ++j) {
      double product = 0;
      for (std::size_t t = 0; t < tokens; ++t) {
        product += static_cast<double>(rows[t * stride + i]) * static_cast<double>(rows[t * stride + j]);
      }
      CHECK(gram[i * columns + j] == product);
    }
  }
}

}  // namespace

int main() {
  for (const std::size_t tokens : {1U, 2U, 31U, 33U, 70U}) {
    for (const std::size_t columns : {1U, 3U, 4U, 8U, 11U, 16U, 29U}) checkAgainstPlainSums(tokens, columns);
  }
  std::vector<float> rows{1, std::numeric_limits<float>::quiet_NaN()};
  std::vector<double> sums(8);
  CHECK(enginewright_add_gram(rows.data(), 1, 2, 2, sums.data(), sums.data() + 4, sums.data() + 6) == 1);
  return enginewright::test::result();
}
