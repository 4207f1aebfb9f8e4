#include "quantizing/integer_kernels.hpp"

#include <cmath>
#include <cstring>

#include "weights/cpu_features.hpp"

// One body for every instruction set: the compiler vectorises it for the wrapper it is inlined into. Extents and measure
// are of group_sums.inc, because it does not vectorise their loops.
#define ENGINEWRIGHT_BODY static inline __attribute__((always_inline))
#define ENGINEWRIGHT_KERNELS(NAME, TARGET)                                                              \
  namespace {                                                                                           \
  TARGET void widen##NAME(const std::uint16_t* bits, std::size_t count, float* values) {                \
    widenBody(bits, count, values);                                                                     \
  }                                                                                                     \
  TARGET bool allFinite##NAME(const float* values, std::size_t count) {                                 \
    return allFiniteBody(values, count);                                                                \
  }                                                                                                     \
  TARGET void code##NAME(const float* values, std::size_t count, const CodeRule& rule, std::int8_t* codes) { \
    codeBody(values, count, rule, codes);                                                               \
  }                                                                                                     \
  constexpr IntegerKernels kernels##NAME{widen##NAME, extent##NAME, extentOfBits##NAME, allFinite##NAME, code##NAME, \
                                         measure##NAME};                                                \
  }

namespace enginewright {

namespace {

/// 1.5 · 2^23: adding and subtracting it rounds |x| < 2^22 to a whole number, ties to even.
constexpr float wholeNumbers = 12582912.0F;
/// The float below one half: added before cutting, it rounds halves away from zero and nothing else up.
constexpr float belowHalf = 0.49999997F;

ENGINEWRIGHT_BODY void widenBody(const std::uint16_t* bits, std::size_t count, float* values) {
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t wide = static_cast<std::uint32_t>(bits[i]) << 16U;
    std::memcpy(&values[i], &wide, sizeof wide);
  }
}

ENGINEWRIGHT_BODY bool allFiniteBody(const float* values, std::size_t count) {
  std::uint32_t strange = 0;
  for (std::size_t i = 0; i < count; ++i) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, &values[i], sizeof bits);
    strange |= static_cast<std::uint32_t>((bits & 0x7f800000U) == 0x7f800000U);
  }
  return strange == 0;
}

ENGINEWRIGHT_BODY void codeBody(const float* values, std::size_t count, const CodeRule& rule,
                                std::int8_t* codes) {
  const CodeRule own = rule;
  if (own.awayFromZero) {
    for (std::size_t i = 0; i < count; ++i) {
      float code = values[i] / own.scale + own.zero;
      code = code < own.lowest ? own.lowest : code;
      code = code > own.highest ? own.highest : code;
      code += code < 0 ? -belowHalf : belowHalf;
      codes[i] = static_cast<std::int8_t>(static_cast<std::int32_t>(code));
    }
    return;
  }
  for (std::size_t i = 0; i < count; ++i) {
    float code = values[i] / own.scale + own.zero;
    code = code < own.lowest ? own.lowest : code;
    code = code > own.highest ? own.highest : code;
    code = (code + wholeNumbers) - wholeNumbers;
    codes[i] = static_cast<std::int8_t>(static_cast<std::int32_t>(code));
  }
}

}  // namespace

#define ENGINEWRIGHT_TARGET
#define ENGINEWRIGHT_NAMED(WHAT) WHAT##Reference
#include "quantizing/group_sums.inc"
ENGINEWRIGHT_KERNELS(Reference, )

#if defined(__x86_64__)

#define ENGINEWRIGHT_TARGET __attribute__((target("avx2")))
#define ENGINEWRIGHT_NAMED(WHAT) WHAT##Avx2
#include "quantizing/group_sums.inc"
ENGINEWRIGHT_KERNELS(Avx2, __attribute__((target("avx2"))))

#define ENGINEWRIGHT_TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq")))
#define ENGINEWRIGHT_NAMED(WHAT) WHAT##Avx512
#include "quantizing/group_sums.inc"
ENGINEWRIGHT_KERNELS(Avx512, __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq"))))

#endif

const IntegerKernels& referenceKernels() { return kernelsReference; }

const IntegerKernels* avx2Kernels() {
#if defined(__x86_64__)
  if (hasAvx2()) return &kernelsAvx2;
#endif
  return nullptr;
}

const IntegerKernels* avx512Kernels() {
#if defined(__x86_64__)
  if (hasAvx512()) return &kernelsAvx512;
#endif
  return nullptr;
}

const IntegerKernels& integerKernels() {
  static const IntegerKernels& fastest = []() -> const IntegerKernels& {
    if (const IntegerKernels* kernels = avx512Kernels()) return *kernels;
    if (const IntegerKernels* kernels = avx2Kernels()) return *kernels;
    return kernelsReference;
  }();
  return fastest;
}

}  // namespace enginewright
