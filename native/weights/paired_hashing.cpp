#include "weights/paired_hashing.hpp"

#include <chrono>

namespace enginewright {

namespace {

/// A few times what a block takes alone: a producer that is slower than that leaves time enough.
constexpr std::chrono::milliseconds longestWait{5};

}  // namespace

PairedHashing::Stream::Stream(PairedHashing& hashing) : hashing_(hashing) {
  const std::lock_guard lock(hashing_.mutex_);
  ++hashing_.streams_;
}

PairedHashing::Stream::~Stream() {
  const std::lock_guard lock(hashing_.mutex_);
  --hashing_.streams_;
}

void PairedHashing::update(Request own) {
  std::unique_lock lock(mutex_);
  if (Request* const other = waiting_) {
    waiting_ = nullptr;
    other->isTaken = true;
    lock.unlock();
    Sha256::updateBoth(*other->sha256, {other->bytes, other->count}, *own.sha256, {own.bytes, own.count});
    lock.lock();
    other->isDone = true;
    changed_.notify_all();
    return;
  }
  if (streams_ > 1 && isDoneByAnother(lock, own)) return;
  lock.unlock();
  own.sha256->update(own.bytes, own.count);
}

bool PairedHashing::isDoneByAnother(std::unique_lock<std::mutex>& lock, Request& own) {
  waiting_ = &own;
  changed_.wait_for(lock, longestWait, [&] { return own.isDone; });
  if (!own.isTaken) {
    waiting_ = nullptr;
    return false;
  }
  changed_.wait(lock, [&] { return own.isDone; });
  return true;
}

}  // namespace enginewright
