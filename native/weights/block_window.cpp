#include "weights/block_window.hpp"

#include <algorithm>
#include <utility>

namespace enginewright {

BlockWindow::BlockWindow(Limits limits, const std::vector<std::uint64_t>& patches, BlockPool& pool)
    : limits_(limits), pool_(pool) {
  for (const std::uint64_t offset : patches) patches_.push_back({offset, 0, false});
}

BlockWindow::~BlockWindow() {
  for (Held& held : held_) {
    if (held.memory) pool_.giveBack(std::move(held.memory));
  }
}

Room BlockWindow::room(std::uint64_t offset, std::size_t count) {
  const std::uint64_t index = blockAt(offset);
  const auto start = static_cast<std::size_t>(offset - index * pool_.blockBytes());
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return isGivenUp_ || index < first_ + limits_.blocks; });
  if (isGivenUp_) throw OutputGivenUp{};
  return {hold(index).memory.get() + start, std::min(count, pool_.blockBytes() - start)};
}

void BlockWindow::filled(std::uint64_t offset, std::size_t count) {
  const std::uint64_t index = blockAt(offset);
  const std::lock_guard lock(mutex_);
  Held& held = hold(index);
  held.missing -= count;
  noticeFull(index, held);
}

void BlockWindow::patch(std::uint64_t offset, std::uint32_t value) {
  const std::lock_guard lock(mutex_);
  const auto found = std::lower_bound(patches_.begin(), patches_.end(), offset,
                                      [](const Patch& patch, std::uint64_t wanted) { return patch.offset < wanted; });
  found->value = value;
  found->isKnown = true;
  // Its four bytes may lie in two blocks.
  for (std::uint64_t index = blockAt(offset); index <= blockAt(offset + sizeof value - 1); ++index) {
    const bool isHeld = index >= first_ && index - first_ < held_.size();
    if (isHeld) noticeFull(index, held_[static_cast<std::size_t>(index - first_)]);
  }
}

bool BlockWindow::follow(const std::function<void(const FullBlock&)>& read) {
  const std::uint64_t end = (limits_.bytes + pool_.blockBytes() - 1) / pool_.blockBytes();
  std::unique_lock lock(mutex_);
  for (std::uint64_t index = 0; index < end; ++index) {
    const auto held = [&]() -> Held& { return held_[static_cast<std::size_t>(index - first_)]; };
    changed_.wait(lock, [&] { return isGivenUp_ || (index - first_ < held_.size() && held().isFull); });
    if (isGivenUp_) return false;
    const FullBlock block = describe(index, held());
    lock.unlock();
    read(block);
    lock.lock();
    --held().waitsForReaders;
    releaseFirst();
  }
  return true;
}

void BlockWindow::giveUp() {
  {
    const std::lock_guard lock(mutex_);
    isGivenUp_ = true;
  }
  changed_.notify_all();
}

FullBlock BlockWindow::describe(std::uint64_t index, const Held& held) const {
  const std::uint64_t offset = index * pool_.blockBytes();
  return {offset, held.memory.get(),
          static_cast<std::size_t>(std::min<std::uint64_t>(pool_.blockBytes(), limits_.bytes - offset))};
}

BlockWindow::Held& BlockWindow::hold(std::uint64_t index) {
  while (index - first_ >= held_.size()) {
    held_.emplace_back();
    held_.back().missing = describe(first_ + held_.size() - 1, held_.back()).count;
  }
  Held& held = held_[static_cast<std::size_t>(index - first_)];
  if (!held.memory) held.memory = pool_.take();
  return held;
}

void BlockWindow::noticeFull(std::uint64_t index, Held& held) {
  if (held.isFull || held.missing > 0) return;
  const FullBlock block = describe(index, held);
  const std::uint64_t end = block.offset + block.count;
  const auto first = std::lower_bound(
      patches_.begin(), patches_.end(), block.offset,
      [](const Patch& patch, std::uint64_t start) { return patch.offset + sizeof patch.value <= start; });
  const auto last = std::find_if(first, patches_.end(), [&](const Patch& patch) { return patch.offset >= end; });
  if (!std::all_of(first, last, [](const Patch& patch) { return patch.isKnown; })) return;
  std::for_each(first, last, [&](const Patch& patch) {
    for (unsigned i = 0; i < sizeof patch.value; ++i) {
      const std::uint64_t at = patch.offset + i;
      if (at < block.offset || at >= end) continue;
      held.memory[static_cast<std::size_t>(at - block.offset)] = static_cast<std::uint8_t>(patch.value >> (8U * i));
    }
  });
  held.isFull = true;
  changed_.notify_all();
}

void BlockWindow::releaseFirst() {
  const std::uint64_t before = first_;
  while (!held_.empty() && held_.front().waitsForReaders == 0) {
    pool_.giveBack(std::move(held_.front().memory));
    held_.pop_front();
    ++first_;
  }
  if (first_ != before) changed_.notify_all();
}

}  // namespace enginewright
