// Digests of several streams at once. One SHA-256 waits for its own last result most of the time: a CPU with SHA
// instructions takes two in little more than the time of one.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>

#include "weights/sha256.hpp"

namespace enginewright {

class PairedHashing {
 public:
  /// One stream, of a thread of its own. While there are several, each waits a moment for another one's bytes.
  class Stream {
   public:
    explicit Stream(PairedHashing& hashing);
    ~Stream();
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    void update(const std::uint8_t* bytes, std::size_t count) { hashing_.update({&sha256_, bytes, count}); }
    [[nodiscard]] std::string finish() { return sha256_.finish(); }

   private:
    PairedHashing& hashing_;
    Sha256 sha256_;
  };

 private:
  struct Request {
    Sha256* sha256;
    const std::uint8_t* bytes;
    std::size_t count;
    bool isTaken = false;
    bool isDone = false;
  };

  void update(Request own);
  /// With the lock: true if another thread did it.
  bool isDoneByAnother(std::unique_lock<std::mutex>& lock, Request& own);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t streams_ = 0;
  /// Of a thread that waits for a second one.
  Request* waiting_ = nullptr;
};

}  // namespace enginewright
