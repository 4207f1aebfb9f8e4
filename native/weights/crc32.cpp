#include "weights/crc32.hpp"

#include <array>
#include <cstring>

#include "weights/cpu_features.hpp"

namespace enginewright {

namespace {

constexpr std::uint32_t reflectedPolynomial = 0xedb88320U;
constexpr std::size_t slices = 8;

using Tables = std::array<std::array<std::uint32_t, 256>, slices>;

/// tables[s][b]: what byte b contributes when s more bytes follow it ("slicing-by-8", Kounavis & Berry,
/// "Novel Table Lookup-Based Algorithms for High-Performance CRC Generation", 2008).
Tables makeTables() {
  Tables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t rest = byte;
    for (int bit = 0; bit < 8; ++bit) rest = (rest >> 1U) ^ ((rest & 1U) != 0 ? reflectedPolynomial : 0U);
    tables[0][byte] = rest;
  }
  for (std::size_t s = 1; s < slices; ++s) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t before = tables[s - 1][byte];
      tables[s][byte] = (before >> 8U) ^ tables[0][before & 0xffU];
    }
  }
  return tables;
}

}  // namespace

std::uint32_t advanceCrc32Reference(std::uint32_t rest, const std::uint8_t* bytes, std::size_t count) {
  static const Tables tables = makeTables();
  for (; count >= slices; count -= slices, bytes += slices) {
    std::uint32_t low = 0;
    std::uint32_t high = 0;
    std::memcpy(&low, bytes, 4);
    std::memcpy(&high, bytes + 4, 4);
    low ^= rest;
    rest = tables[7][low & 0xffU] ^ tables[6][(low >> 8U) & 0xffU] ^ tables[5][(low >> 16U) & 0xffU] ^
           tables[4][low >> 24U] ^ tables[3][high & 0xffU] ^ tables[2][(high >> 8U) & 0xffU] ^
           tables[1][(high >> 16U) & 0xffU] ^ tables[0][high >> 24U];
  }
  for (std::size_t i = 0; i < count; ++i) rest = (rest >> 8U) ^ tables[0][(rest ^ bytes[i]) & 0xffU];
  return rest;
}

void Crc32::update(const std::uint8_t* bytes, std::size_t count) {
#if defined(__x86_64__)
  if (count >= crc32FoldBytes && hasCarrylessMultiply()) {
    const std::size_t folded = count - count % crc32FoldBytes;
    inverted_ = advanceCrc32Clmul(inverted_, bytes, folded);
    bytes += folded;
    count -= folded;
  }
#endif
  inverted_ = advanceCrc32Reference(inverted_, bytes, count);
}

}  // namespace enginewright
