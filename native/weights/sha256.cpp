#include "weights/sha256.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "weights/cpu_features.hpp"

namespace enginewright {

const std::array<std::uint32_t, 64> sha256Constants = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

namespace {

std::uint32_t rotated(std::uint32_t word, unsigned count) {
  return (word >> count) | (word << (32U - count));
}

std::uint32_t bigEndianWord(const std::uint8_t* bytes) {
  return std::uint32_t{bytes[0]} << 24U | std::uint32_t{bytes[1]} << 16U | std::uint32_t{bytes[2]} << 8U |
         std::uint32_t{bytes[3]};
}

void compressBlock(Sha256::State& state, const std::uint8_t* block) {
  std::uint32_t w[64];
  for (std::size_t t = 0; t < 16; ++t) w[t] = bigEndianWord(block + 4 * t);
  for (std::size_t t = 16; t < 64; ++t) {
    const std::uint32_t s0 = rotated(w[t - 15], 7) ^ rotated(w[t - 15], 18) ^ (w[t - 15] >> 3U);
    const std::uint32_t s1 = rotated(w[t - 2], 17) ^ rotated(w[t - 2], 19) ^ (w[t - 2] >> 10U);
    w[t] = w[t - 16] + s0 + w[t - 7] + s1;
  }
  auto [a, b, c, d, e, f, g, h] = state;
  for (std::size_t t = 0; t < 64; ++t) {
    const std::uint32_t sum1 = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25);
    const std::uint32_t choice = (e & f) ^ (~e & g);
    const std::uint32_t t1 = h + sum1 + choice + sha256Constants[t] + w[t];
    const std::uint32_t sum0 = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22);
    const std::uint32_t majority = (a & b) ^ (a & c) ^ (b & c);
    h = g;
    g = f;
    f = e;
    e = d + t1;
    d = c;
    c = b;
    b = a;
    a = t1 + sum0 + majority;
  }
  const Sha256::State rounds{a, b, c, d, e, f, g, h};
  for (std::size_t i = 0; i < state.size(); ++i) state[i] += rounds[i];
}

Sha256::Compress fastestCompress() {
#if defined(__x86_64__)
  if (hasShaInstructions()) return compressSha256Ni;
#endif
  return compressSha256Reference;
}

}  // namespace

void compressSha256Reference(Sha256::State& state, const std::uint8_t* blocks, std::size_t blockCount) {
  for (std::size_t i = 0; i < blockCount; ++i) compressBlock(state, blocks + i * Sha256::blockBytes);
}

Sha256::Sha256() : compress_(fastestCompress()) {}

void Sha256::update(const std::uint8_t* bytes, std::size_t count) {
  totalBytes_ += count;
  if (pendingBytes_ > 0) {
    const std::size_t taken = std::min(count, blockBytes - pendingBytes_);
    std::copy_n(bytes, taken, pending_.data() + pendingBytes_);
    pendingBytes_ += taken;
    bytes += taken;
    count -= taken;
    if (pendingBytes_ < blockBytes) return;
    compress_(state_, pending_.data(), 1);
    pendingBytes_ = 0;
  }
  compress_(state_, bytes, count / blockBytes);
  const std::size_t rest = count % blockBytes;
  std::copy_n(bytes + (count - rest), rest, pending_.data());
  pendingBytes_ = rest;
}

void Sha256::updateBoth(Sha256& first, Bytes ofFirst, Sha256& second, Bytes ofSecond) {
#if defined(__x86_64__)
  const bool isFast = first.compress_ == compressSha256Ni && second.compress_ == compressSha256Ni;
  if (isFast && first.pendingBytes_ == 0 && second.pendingBytes_ == 0) {
    const std::size_t both = std::min(ofFirst.count, ofSecond.count) / blockBytes;
    compressTwoSha256Ni({&first.state_, &second.state_}, {ofFirst.bytes, ofSecond.bytes}, both);
    for (auto [sha256, stream] : {std::pair{&first, &ofFirst}, std::pair{&second, &ofSecond}}) {
      sha256->totalBytes_ += both * blockBytes;
      stream->bytes += both * blockBytes;
      stream->count -= both * blockBytes;
    }
  }
#endif
  first.update(ofFirst.bytes, ofFirst.count);
  second.update(ofSecond.bytes, ofSecond.count);
}

std::string Sha256::finish() {
  const std::uint64_t bitCount = totalBytes_ * 8;
  // One 1 bit, zeros up to 8 bytes before the end of a block, the length in bits as a big-endian number.
  std::array<std::uint8_t, blockBytes + 8> padding{0x80};
  const std::size_t zerosEnd = (pendingBytes_ < 56 ? 56U : 120U) - pendingBytes_;
  for (unsigned i = 0; i < 8; ++i) {
    padding[zerosEnd + i] = static_cast<std::uint8_t>(bitCount >> (56U - 8U * i));
  }
  update(padding.data(), zerosEnd + 8);

  static const char digits[] = "0123456789abcdef";
  std::string text;
  for (const std::uint32_t word : state_) {
    for (unsigned shift = 32; shift > 0; shift -= 4) text += digits[(word >> (shift - 4U)) & 0xfU];
  }
  return text;
}

}  // namespace enginewright
