// A tensor of any strides as one row-major stream of bounded blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

#include "weights/box_reader.hpp"
#include "weights/input_file.hpp"
#include "weights/plan.hpp"

namespace enginewright {

/// Takes the next bytes of a stream; they are valid during the call only.
using ByteSink = std::function<void(const std::uint8_t* bytes, std::size_t count)>;

/// Upper bound of a block, in bytes.
constexpr std::size_t streamBlockBytes = std::size_t{8} << 20U;

/// How many bytes a view gives that lie in the file as they are wanted; nothing if it must be gathered.
[[nodiscard]] std::optional<std::uint64_t> contiguousBytes(const TensorView& view);

/// A range of a file, block after block to where the caller wants it. The disk is told ahead.
class RangeReader {
 public:
  RangeReader(const InputFile& file, std::uint64_t offset, std::uint64_t bytes);

  /// Bytes of the next block, 0 at the end.
  [[nodiscard]] std::size_t next() const;
  /// `count` is at most what `next` says. Throws as InputFile::readAt.
  void read(std::uint8_t* into, std::size_t count);

 private:
  const InputFile& file_;
  std::uint64_t offset_;
  std::uint64_t end_;
  std::uint64_t expected_;
};

/// The plan must have been checked against the file. Throws as InputFile::readAt, and whatever the sink
/// throws.
void streamTensor(const TensorView& view, const InputFile& file, const ByteSink& sink,
                  std::size_t blockBytes = streamBlockBytes);

}  // namespace enginewright
