#include "statistics/gram.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <new>
#include <random>
#include <vector>

#include "check.hpp"

// Every block of this program and of the library ends at a page that nobody may read: a compiler that vectorizes over
// rows has read past the last one (GCC 12 for AVX-512), which most heaps forgive.
namespace {

std::size_t pageBytes() { return static_cast<std::size_t>(sysconf(_SC_PAGESIZE)); }

/// A page that holds the size of the mapping, pages with the block at their end, a page that is not to be read.
void* allocateGuarded(std::size_t bytes) {
  const std::size_t page = pageBytes();
  const std::size_t room = (std::max<std::size_t>(bytes, 1) + page - 1) / page * page;
  void* mapping = mmap(nullptr, room + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) throw std::bad_alloc();
  *static_cast<std::size_t*>(mapping) = room + 2 * page;
  char* end = static_cast<char*>(mapping) + page + room;
  mprotect(end, page, PROT_NONE);
  const std::size_t aligned = (std::max<std::size_t>(bytes, 1) + 15) / 16 * 16;
  return end - aligned;
}

void freeGuarded(void* block) {
  if (block == nullptr) return;
  const std::size_t page = pageBytes();
  char* mapping = static_cast<char*>(block) - reinterpret_cast<std::uintptr_t>(block) % page - page;
  munmap(mapping, *reinterpret_cast<std::size_t*>(mapping));
}

}  // namespace

void* operator new(std::size_t bytes) { return allocateGuarded(bytes); }
void operator delete(void* block) noexcept { freeGuarded(block); }
void operator delete(void* block, std::size_t) noexcept { freeGuarded(block); }

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
