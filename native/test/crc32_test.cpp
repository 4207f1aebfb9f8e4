#include "weights/crc32.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <random>
#include <vector>

#include "check.hpp"
#include "weights/cpu_features.hpp"

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

void checkFoldingAgrees() {
#if defined(__x86_64__)
  if (!hasCarrylessMultiply()) {
    std::printf("skipped: this CPU has no PCLMULQDQ\n");
    return;
  }
  std::mt19937 random(11);
  for (std::size_t blocks = 1; blocks < 70; ++blocks) {
    Bytes bytes(blocks * crc32FoldBytes);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
    for (const std::uint32_t before : {0U, 0xffffffffU, static_cast<std::uint32_t>(random())}) {
      CHECK(advanceCrc32Clmul(before, bytes.data(), bytes.size()) ==
            advanceCrc32Reference(before, bytes.data(), bytes.size()));
    }
  }
#endif
}

}  // namespace

int main() {
  checkFoldingAgrees();
  Crc32 known;
  known.update(reinterpret_cast<const std::uint8_t*>("123456789"), 9);
  CHECK(known.value() == 0xcbf43926U);  // the check value of CRC-32/ISO-HDLC
  CHECK(Crc32().value() == 0);

  std::mt19937 random(7);
  for (std::size_t size = 0; size < 400; ++size) {
    Bytes bytes(size);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
    Crc32 parts;
    for (std::size_t done = 0; done < size;) {
      const std::size_t part = std::min<std::size_t>(size - done, 1 + random() % (size < 200 ? 13 : 250));
      parts.update(bytes.data() + done, part);
      done += part;
    }
    CHECK(parts.value() == bitByBit(bytes));
  }
  return test::result();
}
