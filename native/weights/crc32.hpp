// CRC-32 as zip files use it: polynomial 0x04c11db7, reflected, initial and final inversion (PKZIP
// APPNOTE 4.4.7).
#pragma once

#include <cstddef>
#include <cstdint>

namespace enginewright {

class Crc32 {
 public:
  /// Uses the CPU's carry-less multiplication where it has it.
  void update(const std::uint8_t* bytes, std::size_t count);
  [[nodiscard]] std::uint32_t value() const { return ~inverted_; }

 private:
  std::uint32_t inverted_ = 0xffffffffU;
};

/// The register, without inversions, after these bytes.
[[nodiscard]] std::uint32_t advanceCrc32Reference(std::uint32_t rest, const std::uint8_t* bytes, std::size_t count);

#if defined(__x86_64__)
/// crc32_clmul.cpp; only where hasCarrylessMultiply(). `count` is a multiple of crc32FoldBytes and not 0.
[[nodiscard]] std::uint32_t advanceCrc32Clmul(std::uint32_t rest, const std::uint8_t* bytes, std::size_t count);
constexpr std::size_t crc32FoldBytes = 64;
#endif

}  // namespace enginewright
