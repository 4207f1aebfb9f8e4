#include "weights/piece_sink.hpp"

#include <string>

#include "weights/failure.hpp"

namespace enginewright {

Room PieceSink::room(std::size_t count) {
  if (count > bytes_ - written_) {
    throw Failure(FailureName::InternalError, "a piece gives more than the planned " + std::to_string(bytes_) + " bytes");
  }
  return output_.room(piece_, written_, count);
}

void PieceSink::filled(const Room& room) {
  if (wantsSum_) crc32_.update(room.bytes, room.count);
  output_.filled(piece_, written_, room.count);
  written_ += room.count;
  onProgress_(room.count);
}

void PieceSink::complete() {
  if (written_ != bytes_) {
    throw Failure(FailureName::InternalError, "a piece gave " + std::to_string(written_) + " bytes instead of the planned " +
                                                  std::to_string(bytes_));
  }
  output_.completePiece(piece_, crc32_.value());
}

}  // namespace enginewright
