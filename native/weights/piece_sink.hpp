#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "weights/crc32.hpp"
#include "weights/growing_output.hpp"

namespace enginewright {

/// Takes the bytes of one piece, in order, to its place in the output.
class PieceSink {
 public:
  PieceSink(GrowingOutput& output, std::size_t piece, bool checked)
      : output_(output), piece_(piece), bytes_(output.bytesOf(piece)), checked_(checked) {}

  /// Throws InternalError if the piece gives more than was planned: the bytes of a neighbour lie behind it.
  void take(const std::uint8_t* bytes, std::size_t count);
  /// All was taken. Throws InternalError if that was too little.
  void complete();

 private:
  void flush();

  GrowingOutput& output_;
  std::size_t piece_;
  std::uint64_t bytes_;
  bool checked_;
  Crc32 crc32_;
  std::uint64_t written_ = 0;
  /// Small blocks are collected, large ones written directly.
  std::vector<std::uint8_t> pending_;
};

}  // namespace enginewright
