// CRC-32 as zip files use it: polynomial 0x04c11db7, reflected, initial and final inversion (PKZIP
// APPNOTE 4.4.7).
#pragma once

#include <cstddef>
#include <cstdint>

namespace enginewright {

class Crc32 {
 public:
  void update(const std::uint8_t* bytes, std::size_t count);
  [[nodiscard]] std::uint32_t value() const { return ~inverted_; }

 private:
  std::uint32_t inverted_ = 0xffffffffU;
};

}  // namespace enginewright
