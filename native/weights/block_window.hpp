// The part of an output that is in memory: a few blocks, which several threads fill in any order. Full ones are handed in
// order to two readers, one that writes and one that hashes, and leave when both are done. Whoever is far ahead waits;
// whoever fills the first gap never does, but for the readers.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <vector>

#include "weights/block_pool.hpp"
#include "weights/sink.hpp"

namespace enginewright {

/// Thrown to a thread that would wait for what will never come; whoever gave the output up knows why.
struct OutputGivenUp {};

/// A block that will not change any more.
struct FullBlock {
  std::uint64_t offset;
  const std::uint8_t* bytes;
  std::size_t count;
};

class BlockWindow {
 public:
  /// Each follows the whole output once.
  static constexpr std::size_t readers = 2;

  struct Limits {
    /// Of the whole output.
    std::uint64_t bytes;
    /// Blocks in memory at a time, at least one.
    std::size_t blocks;
  };

  /// `patches`: where four bytes are told by `patch` and not by what fills their place; sorted, none overlaps another.
  BlockWindow(Limits limits, const std::vector<std::uint64_t>& patches, BlockPool& pool);
  /// No other thread uses it any more.
  ~BlockWindow();
  BlockWindow(const BlockWindow&) = delete;
  BlockWindow& operator=(const BlockWindow&) = delete;

  /// Memory for the bytes from an offset on, and how many of them: 1 … `count`. Waits for its turn; throws OutputGivenUp.
  [[nodiscard]] Room room(std::uint64_t offset, std::size_t count);
  /// The room's first `count` bytes were filled.
  void filled(std::uint64_t offset, std::size_t count);
  /// A patched place gets its value, little-endian.
  void patch(std::uint64_t offset, std::uint32_t value);

  /// Hands block after block to a reader, until the end. False if the output was given up.
  [[nodiscard]] bool follow(const std::function<void(const FullBlock&)>& read);
  /// Nobody waits any longer.
  void giveUp();

 private:
  struct Patch {
    std::uint64_t offset;
    std::uint32_t value;
    bool isKnown;
  };
  struct Held {
    BlockPool::Block memory;
    /// Bytes that nobody has filled yet.
    std::size_t missing;
    bool isFull = false;
    std::size_t waitsForReaders = readers;
  };

  [[nodiscard]] std::uint64_t blockAt(std::uint64_t offset) const { return offset / pool_.blockBytes(); }
  [[nodiscard]] FullBlock describe(std::uint64_t index, const Held& held) const;
  /// Of a block in the window, which gets memory if it has none.
  Held& hold(std::uint64_t index);
  /// With the lock: is everything of the block there now?
  void noticeFull(std::uint64_t index, Held& held);
  /// With the lock.
  void releaseFirst();

  const Limits limits_;
  BlockPool& pool_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Patch> patches_;
  /// From block `first_` on; a reference stays good while others come and go at the ends.
  std::deque<Held> held_;
  std::uint64_t first_ = 0;
  bool isGivenUp_ = false;
};

}  // namespace enginewright
