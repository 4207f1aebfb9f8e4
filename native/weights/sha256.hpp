// SHA-256 of a stream (FIPS 180-4 §6.2).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace enginewright {

class Sha256 {
 public:
  using State = std::array<std::uint32_t, 8>;
  using Compress = void (*)(State& state, const std::uint8_t* blocks, std::size_t blockCount);

  static constexpr std::size_t blockBytes = 64;

  /// Uses the CPU's SHA instructions where it has them.
  Sha256();
  explicit Sha256(Compress compress) : compress_(compress) {}

  void update(const std::uint8_t* bytes, std::size_t count);

  struct Bytes {
    const std::uint8_t* bytes;
    std::size_t count;
  };
  /// Two streams at once, in little more than the time of one where the CPU has SHA instructions.
  static void updateBoth(Sha256& first, Bytes ofFirst, Sha256& second, Bytes ofSecond);

  /// Ends the stream and returns 64 lower-case hex digits. Call once.
  [[nodiscard]] std::string finish();

 private:
  Compress compress_;
  State state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
               0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::uint8_t, blockBytes> pending_{};
  std::size_t pendingBytes_ = 0;
  std::uint64_t totalBytes_ = 0;
};

/// The constants K of FIPS 180-4 §4.2.2.
extern const std::array<std::uint32_t, 64> sha256Constants;

void compressSha256Reference(Sha256::State& state, const std::uint8_t* blocks, std::size_t blockCount);

#if defined(__x86_64__)
/// sha256_ni.cpp; only where hasShaInstructions().
void compressSha256Ni(Sha256::State& state, const std::uint8_t* blocks, std::size_t blockCount);
/// The same number of blocks of two streams.
void compressTwoSha256Ni(std::array<Sha256::State*, 2> states, std::array<const std::uint8_t*, 2> blocks,
                         std::size_t blockCount);
#endif

}  // namespace enginewright
