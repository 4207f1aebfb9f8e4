// What this CPU can do beyond the compiler's baseline. Asked at run time, so one executable fits every x86-64
// host.
#pragma once

namespace enginewright {

/// AVX2, FMA and F16C together: every CPU since 2013 (Haswell) / 2015 (Excavator) that has one has all.
[[nodiscard]] bool hasAvx2();

/// AVX-512 F, BW, VL and DQ together: every server CPU that has AVX-512 at all, since 2017.
[[nodiscard]] bool hasAvx512();

/// The SHA-256 instructions.
[[nodiscard]] bool hasShaInstructions();

/// PCLMULQDQ, and SSE4.1 with it.
[[nodiscard]] bool hasCarrylessMultiply();

}  // namespace enginewright
