// Which bytes of an output are there, and which of them are final, while its pieces are written in any order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace enginewright {

/// Four bytes, little-endian, that are known only once a piece is complete.
struct CrcPatch {
  std::uint64_t offset;
  std::uint32_t value;
};

struct PieceExtent {
  std::uint64_t bytes;
  /// Where the CRC-32 of the piece goes.
  std::vector<std::uint64_t> crc32At;
};

class OutputProgress {
 public:
  explicit OutputProgress(std::vector<PieceExtent> pieces);

  [[nodiscard]] std::uint64_t offsetOf(std::size_t piece) const { return offsets_[piece]; }
  [[nodiscard]] std::uint64_t bytesOf(std::size_t piece) const { return pieces_[piece].bytes; }

  /// `bytes` more of a piece were written, without a gap.
  void advance(std::size_t piece, std::uint64_t bytes) { written_[piece] += bytes; }
  /// All of a piece was written. Returns patches whose places were written as well and that no other one will
  /// overwrite; the caller writes them before it asks anything else.
  [[nodiscard]] std::vector<CrcPatch> complete(std::size_t piece, std::uint32_t crc32);

  /// Everything before it is written.
  [[nodiscard]] std::uint64_t writtenBytes() const;
  /// Everything before it will not change any more.
  [[nodiscard]] std::uint64_t finalBytes() const;
  [[nodiscard]] bool isComplete() const { return first_ == pieces_.size(); }

 private:
  std::vector<PieceExtent> pieces_;
  std::vector<std::uint64_t> offsets_;
  std::vector<std::uint64_t> written_;
  /// The lowest place that this piece or a later one will patch.
  std::vector<std::uint64_t> lowestPatch_;
  std::vector<std::uint32_t> crc32s_;
  std::vector<bool> complete_;
  /// The first piece that is not complete.
  std::size_t first_ = 0;
  /// Offset → CRC-32 of complete pieces, beyond what is written; those of one place in the order of their pieces. Sorted:
  /// an archive's directory waits to the end, and has a patch for each of its records.
  std::multimap<std::uint64_t, std::uint32_t> waiting_;
};

}  // namespace enginewright
