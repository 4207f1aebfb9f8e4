#include "quantizing/integer_kernels.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "check.hpp"
#include "quantizing/group_rule.hpp"
#include "quantizing/minifloats.hpp"

using namespace enginewright;

namespace {

std::vector<float> adversarialFloats(std::size_t count, std::mt19937& random) {
  const float odd[] = {0.0F, -0.0F, 1e-45F, -1e-38F, 3.4e38F, 0.5F, -0.5F, 1.5F, 2.5F, 127.5F, -128.5F, 0.49999997F};
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = i % 7 == 3 ? odd[(i / 7) % std::size(odd)] : normal(random);
  return values;
}

/// Of bits as of the numbers they stand for; a NaN or an infinity shows at an end.
void checkBits(const IntegerKernels& kernels, std::vector<std::uint16_t> bits) {
  const Extent wild = kernels.extentOfBits(bits.data(), bits.size());
  std::vector<float> values(bits.size());
  referenceKernels().widen(bits.data(), bits.size(), values.data());
  CHECK((std::isfinite(wild.low) && std::isfinite(wild.high)) ==
        referenceKernels().allFinite(values.data(), values.size()));
  for (std::uint16_t& item : bits) item = (item & 0x7f80U) == 0x7f80U ? item & 0x80ffU : item;
  referenceKernels().widen(bits.data(), bits.size(), values.data());
  const Extent tame = kernels.extentOfBits(bits.data(), bits.size());
  const Extent expected = referenceKernels().extent(values.data(), values.size());
  CHECK(tame.low == expected.low && tame.high == expected.high);
}

void checkAgree(const IntegerKernels* kernels, std::size_t count, std::mt19937& random) {
  if (kernels == nullptr) return;
  checkBits(referenceKernels(), {0x8000, 0x0000, 0x8001, 0x3f80, 0xbf81});
  const IntegerKernels& reference = referenceKernels();
  const std::vector<float> values = adversarialFloats(count, random);
  const Extent a = reference.extent(values.data(), count);
  const Extent b = kernels->extent(values.data(), count);
  CHECK(a.low == b.low && a.high == b.high);
  for (const bool away : {false, true}) {
    const CodeRule rule{0.37F, away ? 0.0F : 3.0F, -128, 127, away};
    std::vector<std::int8_t> left(count);
    std::vector<std::int8_t> right(count);
    reference.code(values.data(), count, rule, left.data());
    kernels->code(values.data(), count, rule, right.data());
    CHECK(left == right);
    double sums[2][5][8] = {};
    reference.measure(values.data(), left.data(), count, rule, sums[0]);
    kernels->measure(values.data(), left.data(), count, rule, sums[1]);
    CHECK(std::memcmp(sums[0], sums[1], sizeof sums[0]) == 0);
  }
  std::vector<std::uint16_t> bits(count);
  for (std::uint16_t& item : bits) item = static_cast<std::uint16_t>(random());
  std::vector<float> left(count);
  std::vector<float> right(count);
  reference.widen(bits.data(), count, left.data());
  kernels->widen(bits.data(), count, right.data());
  CHECK(count == 0 || std::memcmp(left.data(), right.data(), count * sizeof(float)) == 0);
  checkBits(*kernels, bits);
}

void checkFinite() {
  for (const IntegerKernels* kernels : {&referenceKernels(), avx2Kernels(), avx512Kernels()}) {
    if (kernels == nullptr) continue;
    std::vector<float> values(100, 1.0F);
    CHECK(kernels->allFinite(values.data(), values.size()));
    for (const std::size_t at : {std::size_t{0}, std::size_t{31}, std::size_t{99}}) {
      values.assign(100, 1.0F);
      values[at] = std::numeric_limits<float>::infinity();
      CHECK(!kernels->allFinite(values.data(), values.size()));
      values[at] = std::nanf("");
      CHECK(!kernels->allFinite(values.data(), values.size()));
    }
  }
}

void checkRounding() {
  const float values[] = {0.5F, 1.5F, 2.5F, -0.5F, -1.5F, 0.49999997F, 300, -300};
  std::int8_t codes[8];
  referenceKernels().code(values, 8, {1, 0, -128, 127, false}, codes);
  const std::int8_t toEven[] = {0, 2, 2, 0, -2, 0, 127, -128};
  CHECK(std::memcmp(codes, toEven, sizeof codes) == 0);
  referenceKernels().code(values, 8, {1, 0, -128, 127, true}, codes);
  const std::int8_t away[] = {1, 2, 3, -1, -2, 0, 127, -128};
  CHECK(std::memcmp(codes, away, sizeof codes) == 0);
}

void checkRules() {
  Grid grid;
  grid.bits = 4;
  grid.convention = Convention::Full;
  CHECK(ruleOf({-8, 4}, grid, FloatDtype::F32).scale == 1);
  grid.convention = Convention::Restricted;
  CHECK(ruleOf({-7, 4}, grid, FloatDtype::F32).scale == 1);
  CHECK(ruleOf({0, 0}, grid, FloatDtype::F32).scale == 1);
  grid.convention = Convention::Centred;
  CHECK(ruleOf({-7.5F, 4}, grid, FloatDtype::F32).scale == 1);
  CHECK(ruleOf({0, 0}, grid, FloatDtype::F32).scale == std::numeric_limits<float>::epsilon());
  // 0.1 is no binary16 number: the stored one divides.
  CHECK(ruleOf({-0.75F, 0}, grid, FloatDtype::F16).scale == static_cast<float>(doubleFromHalf(halfFromDouble(0.1))));
  // As compressed-tensors: only a scale that is exactly 0 in its dtype is the dtype's epsilon instead.
  CHECK(ruleOf({-7.5e-30F, 0}, grid, FloatDtype::F32).scale == 1e-30F);
  CHECK(ruleOf({-7.5e-30F, 0}, grid, FloatDtype::F16).scale == 0.0009765625F);
  CHECK(ruleOf({0, 0}, grid, FloatDtype::F16).scale == 0.0009765625F);
  CHECK(ruleOf({0, 0}, grid, FloatDtype::BF16).scale == 0.0078125F);
  grid.symmetric = false;
  CHECK(ruleOf({0, 0}, grid, FloatDtype::F32).scale == std::numeric_limits<float>::epsilon());
  CHECK(ruleOf({0, 0}, grid, FloatDtype::F32).zero == 0);
  CHECK(ruleOf({0, 15e-30F}, grid, FloatDtype::F32).scale == 15e-30F / 15);
  // The width leaves binary16, the scale does not.
  CHECK(ruleOf({-60000, 60000}, grid, FloatDtype::F16).scale == 8000);
  const CodeRule rule = ruleOf({1, 16}, grid, FloatDtype::F32);  // 0 belongs to the range
  CHECK(rule.scale == 16.0F / 15 && rule.zero == -8);
}

/// What a code stands for becomes the same code again, under the rule that made it.
void checkCodesStay(std::mt19937& random) {
  std::uniform_real_distribution<float> exponents(-30, 30);
  Grid grid;
  for (int i = 0; i < 3000; ++i) {
    grid.bits = i % 2 == 0 ? 4 : 8;
    grid.symmetric = i % 5 != 0;
    grid.convention = i % 3 == 0 ? Convention::Full : i % 3 == 1 ? Convention::Restricted : Convention::Centred;
    const FloatDtype dtype = i % 7 < 3 ? FloatDtype::F32 : i % 7 < 5 ? FloatDtype::BF16 : FloatDtype::F16;
    const float size = std::exp2(dtype == FloatDtype::F16 ? exponents(random) / 4 : exponents(random));
    CodeRule rule = ruleOf({-size, size * std::exp2(exponents(random) / 10)}, grid, dtype);
    // Readers multiply with what is stored.
    rule.scale = storedScale(rule.scale, dtype);
    for (int code = static_cast<int>(rule.lowest); code <= static_cast<int>(rule.highest); ++code) {
      const float value = rule.scale * (static_cast<float>(code) - rule.zero);
      std::int8_t again = 0;
      referenceKernels().code(&value, 1, rule, &again);
      CHECK(again == code);
    }
  }
}

void checkMinifloatsStay(std::mt19937& random) {
  std::uniform_real_distribution<float> exponents(-60, 60);
  for (int i = 0; i < 2000; ++i) {
    const float scale = std::exp2(exponents(random));
    for (unsigned bits = 0; bits < 256; ++bits) {
      const auto code = static_cast<std::uint8_t>(bits);
      if ((bits & 0x7fU) != 0x7fU) CHECK(e4m3FromFloat(floatFromE4m3(code) * scale / scale) == code);
      if (bits < 16) CHECK(e2m1FromFloat(floatFromE2m1(code) * scale / scale) == code);
    }
  }
}

void checkE4m3() {
  for (unsigned bits = 0; bits < 256; ++bits) {
    const float value = floatFromE4m3(static_cast<std::uint8_t>(bits));
    if (std::isnan(value)) {
      CHECK((bits & 0x7fU) == 0x7fU);
    } else {
      CHECK(e4m3FromFloat(value) == bits);
    }
  }
  CHECK(e4m3FromFloat(1e9F) == 0x7e && e4m3FromFloat(-1e9F) == 0xfe);
  CHECK(floatFromE4m3(e4m3FromFloat(17)) == 16 && floatFromE4m3(e4m3FromFloat(19)) == 20);  // ties to even
  for (unsigned bits = 0; bits < 0x7e; ++bits) {
    const float low = floatFromE4m3(static_cast<std::uint8_t>(bits));
    const float high = floatFromE4m3(static_cast<std::uint8_t>(bits + 1));
    const float middle = (low + high) / 2;
    CHECK(e4m3FromFloat(middle) == (bits % 2 == 0 ? bits : bits + 1));
    CHECK(e4m3FromFloat(std::nextafter(middle, low)) == bits);
    CHECK(e4m3FromFloat(std::nextafter(middle, high)) == bits + 1);
  }
}

void checkE2m1() {
  for (std::uint8_t code = 0; code < 16; ++code) CHECK(e2m1FromFloat(floatFromE2m1(code)) == code);
  const float ties[] = {0.25F, 0.75F, 1.25F, 1.75F, 2.5F, 3.5F, 5.0F};
  const std::uint8_t even[] = {0, 2, 2, 4, 4, 6, 6};
  for (std::size_t i = 0; i < 7; ++i) CHECK(e2m1FromFloat(ties[i]) == even[i]);
  CHECK(e2m1FromFloat(100) == 7 && e2m1FromFloat(-100) == 15);
}

}  // namespace

/// With an argument, the AVX-512 path alone.
int main(int argc, char**) {
  const IntegerKernels* const chosen = argc > 1 ? avx512Kernels() : avx2Kernels();
  if (argc > 1 && chosen == nullptr) return enginewright::test::skipped("this CPU has no AVX-512");
  std::mt19937 random(7);
  for (const std::size_t count : {0U, 1U, 7U, 8U, 15U, 16U, 17U, 128U, 1000U, 4099U}) checkAgree(chosen, count, random);
  checkFinite();
  checkRounding();
  checkRules();
  checkCodesStay(random);
  checkE4m3();
  checkE2m1();
  checkMinifloatsStay(random);
  return enginewright::test::result();
}
