#include "weights/piece_sink.hpp"

#include <string>

#include "weights/failure.hpp"

namespace enginewright {

namespace {

/// Above this a copy costs more than a call of the system; the blocks of a merge of 16-bit items are never smaller.
constexpr std::size_t largeBytes = std::size_t{64} << 10U;

}  // namespace

void PieceSink::take(const std::uint8_t* bytes, std::size_t count) {
  if (count > bytes_ - written_ - pending_.size()) {
    throw Failure(FailureName::InternalError, "a piece gives more than the planned " + std::to_string(bytes_) + " bytes");
  }
  if (checked_) crc32_.update(bytes, count);
  if (pending_.size() + count >= largeBytes) flush();
  if (count >= largeBytes) {
    output_.write(piece_, written_, bytes, count);
    written_ += count;
  } else {
    pending_.insert(pending_.end(), bytes, bytes + count);
  }
}

void PieceSink::complete() {
  flush();
  if (written_ != bytes_) {
    throw Failure(FailureName::InternalError, "a piece gave " + std::to_string(written_) + " bytes instead of the planned " +
                                                  std::to_string(bytes_));
  }
  output_.completePiece(piece_, checked_ ? crc32_.value() : 0);
}

void PieceSink::flush() {
  if (pending_.empty()) return;
  output_.write(piece_, written_, pending_.data(), pending_.size());
  written_ += pending_.size();
  pending_.clear();
}

}  // namespace enginewright
