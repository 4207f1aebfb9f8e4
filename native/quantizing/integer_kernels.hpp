// The inner loops of integer grids, over one group of a row. Each exists as a plain reference and for AVX2 and AVX-512,
// chosen at run time; nothing is contracted or reassociated, so all give the same bits.
#pragma once

#include <cstddef>
#include <cstdint>

namespace enginewright {

struct Extent {
  float low;
  float high;
};

/// How one group becomes codes: clamp(value / scale + zero, lowest, highest), rounded.
struct CodeRule {
  float scale;
  float zero;
  float lowest;
  float highest;
  /// Halves away from zero, as C's round(); else to even.
  bool awayFromZero;
};

struct IntegerKernels {
  /// bfloat16 bits to floats.
  void (*widen)(const std::uint16_t* bits, std::size_t count, float* values);
  /// Smallest and largest value; {0, 0} of nothing. A NaN may or may not be passed over: check values first.
  Extent (*extent)(const float* values, std::size_t count);
  /// The same of bfloat16 bits, where a NaN is beyond infinity: if both ends are finite, everything is.
  Extent (*extentOfBits)(const std::uint16_t* bits, std::size_t count);
  /// True when no value is infinite or NaN.
  bool (*allFinite)(const float* values, std::size_t count);
  void (*code)(const float* values, std::size_t count, const CodeRule& rule, std::int8_t* codes);
  /// Adds to sums[0…4]: w², ŵ², w·ŵ, (w − ŵ)², and takes the largest |w − ŵ| into sums[4]; eight lanes each, [5][8].
  void (*measure)(const float* values, const std::int8_t* codes, std::size_t count, const CodeRule& rule,
                  double (*sums)[8]);
};

/// The fastest this CPU can run.
[[nodiscard]] const IntegerKernels& integerKernels();
[[nodiscard]] const IntegerKernels& referenceKernels();
/// Null where this CPU (or this build) has no such path.
[[nodiscard]] const IntegerKernels* avx2Kernels();
[[nodiscard]] const IntegerKernels* avx512Kernels();

}  // namespace enginewright
