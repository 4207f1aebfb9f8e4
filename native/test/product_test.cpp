#include "weights/product.hpp"

#include <cstring>
#include <random>
#include <vector>

#include "check.hpp"
#include "weights/cpu_features.hpp"

using namespace enginewright;

namespace {

std::vector<double> randomFloats(std::size_t count, std::mt19937& random) {
  std::normal_distribution<float> normal;
  std::vector<double> values(count);
  for (double& value : values) value = static_cast<double>(normal(random));
  return values;
}

bool sameBits(const std::vector<double>& left, const std::vector<double>& right) {
  return std::memcmp(left.data(), right.data(), left.size() * sizeof(double)) == 0;
}

void checkAgree(const ProductShape& shape, std::mt19937& random) {
  const std::vector<double> left = randomFloats(shape.rows * shape.rank, random);
  const std::vector<double> right = randomFloats(shape.rank * shape.columns, random);
  const std::vector<double> start = randomFloats(shape.rows * shape.columns, random);

  std::vector<double> reference = start;
  addProductReference(shape, left.data(), right.data(), reference.data());
  std::vector<double> fast = start;
  addProductOfNarrow(shape, left.data(), right.data(), fast.data());

  CHECK(sameBits(reference, fast));
}

}  // namespace

int main() {
  std::vector<double> small{1, 1, 1, 1};
  const std::vector<double> left{1, 2, 3, 4};
  const std::vector<double> right{5, 6, 7, 8};
  addProductReference({2, 2, 2}, left.data(), right.data(), small.data());
  CHECK((small == std::vector<double>{20, 23, 44, 51}));

  std::mt19937 random(13);
  for (std::size_t rows = 1; rows <= 9; ++rows) {
    for (const std::size_t columns : {1U, 7U, 8U, 9U, 31U, 64U, 131U}) {
      for (const std::size_t rank : {1U, 2U, 16U, 65U}) checkAgree({rows, rank, columns}, random);
    }
  }
  return test::result();
}
