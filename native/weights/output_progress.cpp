#include "weights/output_progress.hpp"

#include <algorithm>
#include <utility>

namespace enginewright {

OutputProgress::OutputProgress(std::vector<PieceExtent> pieces)
    : pieces_(std::move(pieces)),
      written_(pieces_.size(), 0),
      lowestPatch_(pieces_.size() + 1, UINT64_MAX),
      crc32s_(pieces_.size(), 0),
      complete_(pieces_.size(), false) {
  std::uint64_t offset = 0;
  for (const PieceExtent& piece : pieces_) {
    offsets_.push_back(offset);
    offset += piece.bytes;
  }
  offsets_.push_back(offset);
  for (std::size_t i = pieces_.size(); i > 0; --i) {
    lowestPatch_[i - 1] = lowestPatch_[i];
    for (const std::uint64_t at : pieces_[i - 1].crc32At) lowestPatch_[i - 1] = std::min(lowestPatch_[i - 1], at);
  }
}

std::vector<CrcPatch> OutputProgress::complete(std::size_t piece, std::uint32_t crc32) {
  complete_[piece] = true;
  crc32s_[piece] = crc32;
  // In the order of the pieces, whichever was faster: of two patches of one place the later piece's stays.
  for (; first_ < pieces_.size() && complete_[first_]; ++first_) {
    for (const std::uint64_t at : pieces_[first_].crc32At) waiting_.emplace(at, crc32s_[first_]);
  }
  const std::uint64_t written = offsets_[first_];
  std::vector<CrcPatch> now;
  while (!waiting_.empty() && waiting_.begin()->first + sizeof(std::uint32_t) <= written) {
    now.push_back({waiting_.begin()->first, waiting_.begin()->second});
    waiting_.erase(waiting_.begin());
  }
  return now;
}

std::uint64_t OutputProgress::writtenBytes() const {
  return offsets_[first_] + (isComplete() ? 0 : written_[first_]);
}

std::uint64_t OutputProgress::finalBytes() const {
  const std::uint64_t lowestWaiting = waiting_.empty() ? UINT64_MAX : waiting_.begin()->first;
  return std::min({writtenBytes(), lowestPatch_[first_], lowestWaiting});
}

}  // namespace enginewright
