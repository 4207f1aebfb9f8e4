#include "weights/block_pool.hpp"

#include <cstdlib>
#include <new>
#include <utility>

namespace enginewright {

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
  void* const bytes = std::aligned_alloc(alignment, blockBytes_);
  if (bytes == nullptr) throw std::bad_alloc();
  return Block(static_cast<std::uint8_t*>(bytes));
}

void BlockPool::giveBack(Block block) {
  const std::lock_guard lock(mutex_);
  free_.push_back(std::move(block));
}

}  // namespace enginewright
