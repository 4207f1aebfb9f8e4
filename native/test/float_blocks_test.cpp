#include "weights/float_blocks.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "check.hpp"

using namespace enginewright;

namespace {

constexpr FloatDtype dtypes[] = {FloatDtype::F64, FloatDtype::F32, FloatDtype::F16, FloatDtype::BF16};

/// Every 16-bit value of both formats, the midpoints between them, their neighbours, and random bits.
std::vector<double> interestingValues() {
  std::vector<double> values;
  for (unsigned bits = 0; bits < 0x10000; ++bits) {
    for (const double value : {doubleFromHalf(static_cast<std::uint16_t>(bits)),
                               doubleFromBfloat(static_cast<std::uint16_t>(bits))}) {
      if (!std::isfinite(value)) continue;
      const double unit = std::ldexp(1.0, std::ilogb(value == 0 ? 0x1p-24 : value) - 11);
      for (const double near : {value, value + unit, value + unit * 8}) {
        values.push_back(near);
        values.push_back(std::nextafter(near, 0.0));
        values.push_back(std::nextafter(near, 1e300));
      }
    }
  }
  std::mt19937_64 random(5);
  for (int i = 0; i < 300000; ++i) {
    const std::uint64_t bits = random();
    double value = 0;
    std::memcpy(&value, &bits, sizeof value);
    if (std::isfinite(value)) values.push_back(value);
  }
  return values;
}

void checkEncodingAgrees(const std::vector<double>& values) {
  for (const FloatDtype dtype : dtypes) {
    std::vector<std::uint8_t> fast(values.size() * bytesOf(dtype));
    std::vector<std::uint8_t> reference(fast.size());
    const bool fastFinite = encodeBlock(dtype, values.data(), values.size(), fast.data());
    const bool finite = encodeBlockReference(dtype, values.data(), values.size(), reference.data());
    CHECK(fast == reference);
    CHECK(fastFinite == finite);
  }
}

void checkDecodingAgrees() {
  std::vector<std::uint16_t> stored(0x10000);
  for (std::size_t i = 0; i < stored.size(); ++i) stored[i] = static_cast<std::uint16_t>(i);
  std::vector<std::uint8_t> bytes(stored.size() * 2);
  std::memcpy(bytes.data(), stored.data(), bytes.size());
  for (const FloatDtype dtype : {FloatDtype::F16, FloatDtype::BF16}) {
    std::vector<double> fast(stored.size());
    std::vector<double> reference(stored.size());
    decodeBlock(dtype, bytes.data(), stored.size(), fast.data());
    decodeBlockReference(dtype, bytes.data(), stored.size(), reference.data());
    for (std::size_t i = 0; i < fast.size(); ++i) {
      const bool bothNan = std::isnan(fast[i]) && std::isnan(reference[i]);
      CHECK(bothNan || std::memcmp(&fast[i], &reference[i], sizeof(double)) == 0);
    }
  }
}

/// A value that is not finite must be seen wherever it stands: in the wide part and in the tail.
void checkNotFiniteIsSeen() {
  double allOnes = 0;
  const std::uint64_t bits = 0x7fffffffffffffffU;
  std::memcpy(&allOnes, &bits, sizeof allOnes);
  const double bad[] = {std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(),
                        std::numeric_limits<double>::quiet_NaN(), allOnes, -allOnes};
  for (const FloatDtype dtype : dtypes) {
    for (const double value : bad) {
      for (std::size_t at = 0; at < 19; ++at) {
        std::vector<double> values(19, 1.0);
        std::vector<std::uint8_t> bytes(19 * 8);
        CHECK(encodeBlock(dtype, values.data(), values.size(), bytes.data()));
        values[at] = value;
        CHECK(!encodeBlock(dtype, values.data(), values.size(), bytes.data()));
      }
    }
  }
}

}  // namespace

int main() {
  std::vector<double> values = interestingValues();
  checkEncodingAgrees(values);
  // Without the values that overflow, so that `finite` is true for each format once.
  for (double& value : values) value = std::fmod(value, 60000.0);
  checkEncodingAgrees(values);
  checkDecodingAgrees();
  checkNotFiniteIsSeen();
  return test::result();
}
