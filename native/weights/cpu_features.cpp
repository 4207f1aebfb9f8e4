#include "weights/cpu_features.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace enginewright {

#if defined(__x86_64__)

namespace {

// Bits of CPUID leaf 1 (ECX) and leaf 7 (EBX); Intel SDM volume 2A, CPUID. GCC 10's __builtin_cpu_supports
// does not know "f16c" and "sha".
constexpr unsigned f16cBit = 1U << 29U;
constexpr unsigned sse41Bit = 1U << 19U;
constexpr unsigned shaBit = 1U << 29U;

unsigned leaf1Ecx() {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  return __get_cpuid(1, &a, &b, &c, &d) == 0 ? 0 : c;
}

unsigned leaf7Ebx() {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) == 0 ? 0 : b;
}

}  // namespace

bool hasAvx2() {
  // The builtin also asks whether the operating system saves the wide registers.
  static const bool has = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0 &&
                          (leaf1Ecx() & f16cBit) != 0;
  return has;
}

bool hasAvx512() {
  static const bool has = __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
                          __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("avx512dq") != 0;
  return has;
}

bool hasShaInstructions() {
  static const bool has = (leaf1Ecx() & sse41Bit) != 0 && (leaf7Ebx() & shaBit) != 0;
  return has;
}

bool hasCarrylessMultiply() {
  static const bool has = __builtin_cpu_supports("pclmul") != 0 && (leaf1Ecx() & sse41Bit) != 0;
  return has;
}

#else

bool hasAvx2() { return false; }
bool hasAvx512() { return false; }
bool hasShaInstructions() { return false; }
bool hasCarrylessMultiply() { return false; }

#endif

}  // namespace enginewright
