#include "weights/block_pool.hpp"

#include <sys/mman.h>

#include <cstdlib>
#include <new>
#include <utility>

namespace enginewright {

namespace {

constexpr std::size_t hugePageBytes = std::size_t{2} << 20U;

}  // namespace

void BlockPool::Release::operator()(std::uint8_t* bytes) const { std::free(bytes); }

BlockPool::Block BlockPool::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!free_.empty()) {
      Block block = std::move(free_.back());
      free_.pop_back();
      return block;
    }
  }
  const bool isLarge = blockBytes_ % hugePageBytes == 0;
  void* const bytes = std::aligned_alloc(isLarge ? hugePageBytes : alignment, blockBytes_);
  if (bytes == nullptr) throw std::bad_alloc();
#if defined(MADV_HUGEPAGE)
  // A disk is told of each stretch of memory: half a million pages of 4 KiB took it half as long again.
  if (isLarge) (void)::madvise(bytes, blockBytes_, MADV_HUGEPAGE);
#endif
  return Block(static_cast<std::uint8_t*>(bytes));
}

void BlockPool::giveBack(Block block) {
  const std::lock_guard lock(mutex_);
  free_.push_back(std::move(block));
}

}  // namespace enginewright
