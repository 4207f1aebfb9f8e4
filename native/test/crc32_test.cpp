#include "weights/crc32.hpp"

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

#include "check.hpp"

using namespace enginewright;

namespace {

using Bytes = std::vector<std::uint8_t>;

std::uint32_t bitByBit(const Bytes& bytes) {
  std::uint32_t rest = 0xffffffffU;
  for (const std::uint8_t byte : bytes) {
    rest ^= byte;
    for (int i = 0; i < 8; ++i) rest = (rest >> 1U) ^ ((rest & 1U) != 0 ? 0xedb88320U : 0U);
  }
  return ~rest;
}

}  // namespace

int main() {
  Crc32 known;
  known.update(reinterpret_cast<const std::uint8_t*>("123456789"), 9);
  CHECK(known.value() == 0xcbf43926U);  // the check value of CRC-32/ISO-HDLC
  CHECK(Crc32().value() == 0);

  std::mt19937 random(7);
  for (std::size_t size = 0; size < 200; ++size) {
    Bytes bytes(size);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
    Crc32 parts;
    for (std::size_t done = 0; done < size;) {
      const std::size_t part = std::min<std::size_t>(size - done, 1 + random() % 13);
      parts.update(bytes.data() + done, part);
      done += part;
    }
    CHECK(parts.value() == bitByBit(bytes));
  }
  return test::result();
}
