#include "weights/merged_rows.hpp"

#include <cmath>
#include <cstring>
#include <iterator>
#include <limits>
#include <random>
#include <vector>

#include "check.hpp"
#include "weights/cpu_features.hpp"
#include "weights/float_blocks.hpp"

using namespace enginewright;

namespace {

using Merge = bool (*)(FloatDtype, const RowsChange&, std::uint8_t*);

std::vector<double> randomFloats(std::size_t count, std::mt19937& random) {
  std::normal_distribution<float> normal;
  std::vector<double> values(count);
  for (double& value : values) value = static_cast<double>(normal(random));
  return values;
}

std::vector<std::uint8_t> randomItems(FloatDtype dtype, std::size_t count, std::mt19937& random) {
  const std::vector<double> values = randomFloats(count, random);
  std::vector<std::uint8_t> bytes(count * bytesOf(dtype));
  CHECK(encodeBlock(dtype, values.data(), count, bytes.data()));
  return bytes;
}

/// The same by the separate steps: product, scale, rounding, sum, rounding.
std::vector<std::uint8_t> inSteps(FloatDtype dtype, const RowsChange& change, std::vector<std::uint8_t> bytes) {
  const std::size_t count = change.shape.rows * change.shape.columns;
  std::vector<double> delta(count, 0.0);
  addProductReference(change.shape, change.left, change.right, delta.data());
  for (double& value : delta) value *= change.scale;
  std::vector<std::uint8_t> rounded(bytes.size());
  if (change.roundsDelta) {
    CHECK(encodeBlockReference(dtype, delta.data(), count, rounded.data()));
    decodeBlockReference(dtype, rounded.data(), count, delta.data());
  }
  std::vector<double> values(count);
  decodeBlockReference(dtype, bytes.data(), count, values.data());
  for (std::size_t i = 0; i < count; ++i) values[i] = delta[i] == 0 ? values[i] : values[i] + delta[i];
  CHECK(encodeBlockReference(dtype, values.data(), count, bytes.data()));
  return bytes;
}

void checkAgrees(Merge merge, const ProductShape& shape, std::mt19937& random) {
  const std::vector<double> left = randomFloats(shape.rows * shape.rank, random);
  const std::vector<double> right = randomFloats(shape.rank * shape.columns, random);
  for (const FloatDtype dtype : {FloatDtype::F32, FloatDtype::F16, FloatDtype::BF16}) {
    for (const bool roundsDelta : {false, true}) {
      const RowsChange change{shape, left.data(), right.data(), 0.3, roundsDelta};
      std::vector<std::uint8_t> bytes = randomItems(dtype, shape.rows * shape.columns, random);
      const std::vector<std::uint8_t> expected = inSteps(dtype, change, bytes);
      CHECK(merge(dtype, change, bytes.data()));
      CHECK(bytes == expected);
    }
  }
}

/// One value that is not finite, or becomes so, is seen wherever it stands.
void checkStrangeIsSeen(Merge merge) {
  constexpr ProductShape shape{5, 1, 37};
  const std::vector<double> left(shape.rows, 1.0);
  for (const FloatDtype dtype : {FloatDtype::F32, FloatDtype::F16, FloatDtype::BF16}) {
    for (std::size_t at = 0; at < shape.rows * shape.columns; ++at) {
      std::vector<double> values(shape.rows * shape.columns, 1.0);
      std::vector<double> right(shape.columns, 0.0);
      std::vector<std::uint8_t> bytes(values.size() * bytesOf(dtype));
      values[at] = std::numeric_limits<double>::quiet_NaN();
      CHECK(!encodeBlock(dtype, values.data(), values.size(), bytes.data()));
      CHECK(!merge(dtype, {shape, left.data(), right.data(), 1, false}, bytes.data()));

      values[at] = 1;
      CHECK(encodeBlock(dtype, values.data(), values.size(), bytes.data()));
      right[at % shape.columns] = static_cast<double>(std::numeric_limits<float>::max());
      CHECK(!merge(dtype, {shape, left.data(), right.data(), 4, false}, bytes.data()));
    }
  }
}

/// Zeros of both signs, the smallest subnormals, and what lies on both sides of the smallest normal number.
std::vector<std::uint8_t> edgeItems(FloatDtype dtype, std::size_t count) {
  const std::size_t size = bytesOf(dtype);
  const std::uint32_t sign = std::uint32_t{1} << (8 * size - 1);
  const std::uint32_t normal = dtype == FloatDtype::F32 ? 0x00800000U : dtype == FloatDtype::F16 ? 0x0400U : 0x0080U;
  const std::uint32_t edges[] = {sign, 0, 1, sign | 1U, normal - 1, sign | (normal - 1), normal, sign | normal};
  std::vector<std::uint8_t> bytes(count * size);
  for (std::size_t i = 0; i < count; ++i) std::memcpy(bytes.data() + i * size, &edges[i % std::size(edges)], size);
  return bytes;
}

/// A change of zero, of either sign, gives back every bit.
void checkZeroKeepsBits(Merge merge) {
  constexpr ProductShape shape{9, 3, 37};
  for (const FloatDtype dtype : {FloatDtype::F32, FloatDtype::F16, FloatDtype::BF16}) {
    const std::vector<std::uint8_t> before = edgeItems(dtype, shape.rows * shape.columns);
    for (const double right : {1.0, -1.0}) {
      for (const double scale : {2.0, -2.0, 0.0}) {
        const std::vector<double> lefts(shape.rows * shape.rank, 0.0);
        const std::vector<double> rights(shape.rank * shape.columns, right);
        for (const bool roundsDelta : {false, true}) {
          std::vector<std::uint8_t> bytes = before;
          CHECK(merge(dtype, {shape, lefts.data(), rights.data(), scale, roundsDelta}, bytes.data()));
          CHECK(bytes == before);
        }
      }
    }
  }
}

/// Sums that end among the subnormals, or in the middle between two values, are rounded as the reference rounds them.
void checkEdgesAgree(Merge merge, std::mt19937& random) {
  constexpr ProductShape shape{9, 2, 40};
  for (const FloatDtype dtype : {FloatDtype::F32, FloatDtype::F16, FloatDtype::BF16}) {
    const int smallest = dtype == FloatDtype::F32 ? -149 : dtype == FloatDtype::F16 ? -24 : -133;
    for (const double scale : {std::ldexp(0.5, smallest), std::ldexp(-0.75, smallest), std::ldexp(1.0, smallest + 5)}) {
      const std::vector<double> left = randomFloats(shape.rows * shape.rank, random);
      std::vector<double> right(shape.rank * shape.columns);
      for (std::size_t i = 0; i < right.size(); ++i) right[i] = static_cast<double>(i % 5) - 2;
      const RowsChange change{shape, left.data(), right.data(), scale, false};
      std::vector<std::uint8_t> bytes = edgeItems(dtype, shape.rows * shape.columns);
      const std::vector<std::uint8_t> expected = inSteps(dtype, change, bytes);
      CHECK(merge(dtype, change, bytes.data()));
      CHECK(bytes == expected);
    }
  }
}

/// What is just below the middle between the largest number and the next is kept, the middle itself is not.
void checkLargest(Merge merge) {
  constexpr ProductShape shape{1, 1, 16};
  const std::vector<double> left(1, 1.0);
  struct Edge {
    FloatDtype dtype;
    double largest;
    double half;
  };
  for (const Edge& edge : {Edge{FloatDtype::F16, 65504, 16}, Edge{FloatDtype::BF16, 0x1.fep127, 0x1p119}}) {
    const std::vector<double> values(shape.columns, edge.largest);
    for (const bool reaches : {false, true}) {
      const std::vector<double> right(shape.columns, reaches ? edge.half : edge.half * 0.999755859375);
      std::vector<std::uint8_t> bytes(shape.columns * bytesOf(edge.dtype));
      CHECK(encodeBlock(edge.dtype, values.data(), values.size(), bytes.data()));
      CHECK(merge(edge.dtype, {shape, left.data(), right.data(), 1, false}, bytes.data()) != reaches);
    }
  }
}

void checkPath(Merge merge) {
  std::mt19937 random(17);
  for (std::size_t rows = 1; rows <= 9; ++rows) {
    for (const std::size_t columns : {1U, 7U, 8U, 15U, 16U, 33U, 64U, 131U}) {
      for (const std::size_t rank : {1U, 2U, 16U, 65U}) checkAgrees(merge, {rows, rank, columns}, random);
    }
  }
  checkStrangeIsSeen(merge);
  checkZeroKeepsBits(merge);
  checkEdgesAgree(merge, random);
  checkLargest(merge);
}

}  // namespace

/// With an argument, the AVX-512 path alone.
int main(int argc, char**) {
#if defined(__x86_64__)
  if (argc > 1) {
    if (!hasAvx512()) return test::skipped("this CPU has no AVX-512");
    checkPath(mergeRowsAvx512);
    return test::result();
  }
  if (hasAvx2()) checkPath(mergeRowsAvx2);
#else
  if (argc > 1) return test::skipped("this CPU has no AVX-512");
#endif
  checkPath(mergeRowsReference);
  checkPath(mergeRows);
  return test::result();
}
