// Reads a strided box of a file into a dense buffer, with few reads and bounded memory whatever the strides
// are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "weights/input_file.hpp"

namespace enginewright {

/// One dimension of a box: how many items, how far apart in the file and in the buffer (both in items).
struct Axis {
  std::uint64_t extent;
  std::uint64_t stride;
  std::uint64_t step;
};

class BoxReader {
 public:
  static constexpr std::size_t defaultWindowBytes = std::size_t{8} << 20U;

  explicit BoxReader(std::size_t windowBytes = defaultWindowBytes) : windowBytes_(windowBytes) {}

  /// Copies the box that begins at byte `offset` of `file` to `out`. `axes` come back unchanged.
  void read(const InputFile& file, std::uint64_t offset, std::size_t itemBytes, std::vector<Axis>& axes,
            std::uint8_t* out);

 private:
  struct Source {
    const InputFile& file;
    std::size_t itemBytes;
  };

  void readOrSplit(const Source& source, std::uint64_t offset, std::vector<Axis>& axes, std::uint8_t* out);
  [[nodiscard]] bool fitsWindow(std::uint64_t span, std::uint64_t distinctItems, std::size_t itemBytes) const;

  std::size_t windowBytes_;
  std::vector<std::uint8_t> window_;
};

}  // namespace enginewright
