#include "statistics/gram.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <new>
#include <random>
#include <vector>

#include "check.hpp"

// Every allocation ends where a page begins that nobody may touch, so that reading past an end ends the program. Nothing
// is given back: this program is small.
void* operator new(std::size_t size) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const std::size_t aligned = (size + 15) / 16 * 16;
  const std::size_t bytes = (aligned + page - 1) / page * page;
  void* mapped = ::mmap(nullptr, bytes + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  auto* begin = static_cast<unsigned char*>(mapped);
  if (::mprotect(begin + bytes, page, PROT_NONE) != 0) throw std::bad_alloc();
  return begin + bytes - aligned;
}
void operator delete(void*) noexcept {}
void operator delete(void*, std::size_t) noexcept {}

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
