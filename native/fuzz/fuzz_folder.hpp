// What every target that touches files shares: one input file of known bytes, a place for outputs, and silence.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <string>

#include "test/scratch_folder.hpp"
#include "weights/events.hpp"
#include "weights/failure.hpp"

namespace enginewright::fuzz {

class FuzzFolder {
 public:
  /// Many times what a reader takes at once, so that views of it are read in parts.
  static constexpr std::size_t inputBytes = std::size_t{64} << 10U;

  FuzzFolder() : null_(::open("/dev/null", O_WRONLY | O_CLOEXEC)) {
    test::Bytes bytes(inputBytes);
    // Below 64, so that they are finite as any kind of float; no stretch of them like another for long.
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      bytes[i] = static_cast<std::uint8_t>((i * 37U + (i >> 6U) * 11U) % 64U);
    }
    input_ = folder_.write("input", bytes);
  }
  ~FuzzFolder() { ::close(null_); }
  FuzzFolder(const FuzzFolder&) = delete;
  FuzzFolder& operator=(const FuzzFolder&) = delete;

  [[nodiscard]] const std::string& input() const { return input_; }
  [[nodiscard]] std::string output(std::size_t number) const { return folder_.path("out" + std::to_string(number)); }
  [[nodiscard]] EventWriter events() const { return EventWriter(null_); }

  /// Removes what a run wrote. Aborts if it left a temporary file: nothing may be left under any other name.
  void tidy(std::size_t outputs) const {
    for (std::size_t i = 0; i < outputs; ++i) std::filesystem::remove(output(i));
    if (folder_.fileCount() != 1) __builtin_trap();
  }

 private:
  test::ScratchFolder folder_;
  std::string input_;
  int null_;
};

/// Runs what may be refused by name. An InternalError is no refusal but a bug.
template <typename Act>
void endsProperly(Act act) {
  try {
    act();
  } catch (const Failure& failure) {
    if (failure.name() == FailureName::InternalError) __builtin_trap();
  }
}

inline const FuzzFolder& fuzzFolder() {
  static const FuzzFolder folder;
  return folder;
}

}  // namespace enginewright::fuzz
