// An output whose pieces are written by several threads, and a thread of its own that follows them: it lets the disk
// begin early, takes the digest of what stands in the file, and syncs it.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <string>
#include <thread>

#include "weights/output_file.hpp"
#include "weights/output_progress.hpp"
#include "weights/plan.hpp"

namespace enginewright {

class GrowingOutput {
 public:
  /// Throws as OutputFile.
  GrowingOutput(const OutputPlan& plan, const std::string& nonce);
  /// Gives up what is not complete.
  ~GrowingOutput();
  GrowingOutput(const GrowingOutput&) = delete;
  GrowingOutput& operator=(const GrowingOutput&) = delete;

  [[nodiscard]] std::uint64_t bytesOf(std::size_t piece) const { return progress_.bytesOf(piece); }
  /// `done` bytes of the piece are there already; what one piece writes, one thread writes.
  void write(std::size_t piece, std::uint64_t done, const std::uint8_t* bytes, std::size_t count);
  void completePiece(std::size_t piece, std::uint32_t crc32);

  /// A piece failed: nobody needs to wait for the others.
  void abandon();
  /// Until all pieces are complete and the file is synced under its temporary name. Throws what hindered that.
  void wait();
  [[nodiscard]] OutputFile& file() { return file_; }
  /// After wait().
  [[nodiscard]] const std::string& sha256() const { return digest_; }

 private:
  struct Reach {
    std::uint64_t written;
    std::uint64_t final;
  };

  void follow();
  /// Blocks until there is something to do beyond these; false if the output was given up.
  bool awaitMore(std::uint64_t hashed, std::uint64_t flushed, Reach& reach);

  OutputFile file_;
  std::mutex mutex_;
  std::condition_variable changed_;
  OutputProgress progress_;
  bool abandoned_ = false;
  std::exception_ptr failure_;
  std::string digest_;
  std::thread follower_;
};

}  // namespace enginewright
