#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

#include "weights/crc32.hpp"
#include "weights/growing_output.hpp"
#include "weights/sink.hpp"

namespace enginewright {

/// Takes the bytes of one piece, in order, to its place in the output.
class PieceSink final : public Sink {
 public:
  /// `onProgress` hears of every few bytes more.
  PieceSink(GrowingOutput& output, std::size_t piece, bool wantsSum, std::function<void(std::size_t)> onProgress)
      : output_(output),
        piece_(piece),
        bytes_(output.bytesOf(piece)),
        wantsSum_(wantsSum),
        onProgress_(std::move(onProgress)) {}

  /// Throws InternalError if the piece gives more than was planned: the bytes of a neighbour lie behind it.
  [[nodiscard]] Room room(std::size_t count) override;
  void filled(const Room& room) override;

  /// Of what was taken, if it is wanted.
  [[nodiscard]] const Crc32& sum() const { return crc32_; }
  /// All was taken. Throws InternalError if that was too little.
  void complete();

 private:
  GrowingOutput& output_;
  std::size_t piece_;
  std::uint64_t bytes_;
  bool wantsSum_;
  std::function<void(std::size_t)> onProgress_;
  Crc32 crc32_;
  std::uint64_t written_ = 0;
};

}  // namespace enginewright
