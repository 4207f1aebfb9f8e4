// Memory for blocks of output files, used again and again: what was touched once stays in the cache and costs no page
// faults.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace enginewright {

class BlockPool {
 public:
  /// Of a block's address: what a file that is opened with O_DIRECT asks of memory, offsets and counts (open(2)).
  static constexpr std::size_t alignment = 4096;

  struct Release {
    void operator()(std::uint8_t* bytes) const;
  };
  using Block = std::unique_ptr<std::uint8_t[], Release>;

  /// `blockBytes` is a multiple of the alignment.
  explicit BlockPool(std::size_t blockBytes) : blockBytes_(blockBytes) {}

  [[nodiscard]] std::size_t blockBytes() const { return blockBytes_; }
  /// Of any content. Throws std::bad_alloc.
  [[nodiscard]] Block take();
  void giveBack(Block block);

 private:
  std::size_t blockBytes_;
  std::mutex mutex_;
  std::vector<Block> free_;
};

}  // namespace enginewright
