// Exhaustive over the 65,536 values of both 16-bit formats and over every boundary between two of them.
#include "weights/float_formats.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "check.hpp"

using namespace enginewright;

namespace {

struct Format {
  const char* name;
  std::uint16_t infinity;
  double (*widen)(std::uint16_t);
  std::uint16_t (*narrow)(double);
};

constexpr Format formats[] = {{"F16", 0x7c00, doubleFromHalf, halfFromDouble},
                              {"BF16", 0x7f80, doubleFromBfloat, bfloatFromDouble}};
constexpr double infinite = std::numeric_limits<double>::infinity();

void checkEveryValueComesBack(const Format& format) {
  for (unsigned bits = 0; bits < 0x10000; ++bits) {
    const double value = format.widen(static_cast<std::uint16_t>(bits));
    const bool isNan = (bits & 0x7fffU) > format.infinity;
    CHECK(std::isnan(value) == isNan);
    CHECK(std::signbit(value) == ((bits & 0x8000U) != 0) || isNan);
    if (!isNan) CHECK(format.narrow(value) == bits);
    if (isNan) CHECK((format.narrow(value) & 0x7fffU) > format.infinity);
  }
}

/// Between neighbours a < b the midpoint goes to the even one, and the doubles beside it to the nearer one.
/// The neighbour of the largest value is the power of two that the format cannot hold any more.
void checkEveryBoundary(const Format& format) {
  for (std::uint16_t bits = 0; bits < format.infinity; ++bits) {
    const auto next = static_cast<std::uint16_t>(bits + 1);
    const double low = format.widen(bits);
    const double before = bits == 0 ? 0 : format.widen(static_cast<std::uint16_t>(bits - 1));
    const double high = next == format.infinity ? low + (low - before) : format.widen(next);
    const double middle = low + (high - low) / 2;
    const std::uint16_t even = (bits & 1U) == 0 ? bits : next;
    CHECK(format.narrow(middle) == even);
    CHECK(format.narrow(std::nextafter(middle, 0.0)) == bits);
    CHECK(format.narrow(std::nextafter(middle, infinite)) == next);
    CHECK(format.narrow(-middle) == (even | 0x8000U));
  }
  CHECK(format.narrow(std::numeric_limits<double>::max()) == format.infinity);
  CHECK(format.narrow(-infinite) == (format.infinity | 0x8000U));
  CHECK(format.narrow(std::numeric_limits<double>::denorm_min()) == 0);
  CHECK(format.narrow(-std::numeric_limits<double>::min()) == 0x8000U);
}

void checkFloatsAgreeWithTheHardware() {
  std::mt19937_64 random(3);
  for (int i = 0; i < 2000000; ++i) {
    std::uint64_t bits = random();
    // Every second one near the range of float, where rounding, subnormals and overflow happen.
    if ((i & 1) != 0) bits = (bits & 0x800fffffffffffffU) | ((std::uint64_t{860} + random() % 300) << 52U);
    double value = 0;
    std::memcpy(&value, &bits, sizeof value);
    if (std::isnan(value)) continue;
    const float expected = static_cast<float>(value);
    std::uint32_t expectedBits = 0;
    std::memcpy(&expectedBits, &expected, sizeof expectedBits);
    CHECK(floatBitsFromDouble(value) == expectedBits);
  }
}

}  // namespace

int main() {
  for (const Format& format : formats) {
    checkEveryValueComesBack(format);
    checkEveryBoundary(format);
  }
  checkFloatsAgreeWithTheHardware();

  CHECK(doubleFromHalf(0x3c00) == 1.0);
  CHECK(doubleFromHalf(0x0001) == 0x1p-24);
  CHECK(doubleFromHalf(0x7bff) == 65504.0);
  CHECK(doubleFromBfloat(0x4049) == 3.140625);
  CHECK(halfFromDouble(65519.999) == 0x7bff);
  CHECK(halfFromDouble(65520.0) == 0x7c00);
  // By way of float this one would become a tie and go down.
  CHECK(halfFromDouble(1.0 + 0x1p-11 + 0x1p-40) == 0x3c01);
  return test::result();
}
