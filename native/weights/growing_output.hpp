// An output whose pieces are given by several threads. What they give lies in a few blocks of memory; of two threads of
// its own one writes them to the disk, and the other takes the digest. Nothing is read back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <thread>
#include <vector>

#include "weights/block_window.hpp"
#include "weights/output_file.hpp"
#include "weights/paired_hashing.hpp"
#include "weights/plan.hpp"

namespace enginewright {

class GrowingOutput {
 public:
  /// The plan was checked. Throws as OutputFile.
  GrowingOutput(const OutputPlan& plan, const std::string& nonce, BlockPool& pool, PairedHashing& hashing);
  /// Gives up what is not complete.
  ~GrowingOutput();
  GrowingOutput(const GrowingOutput&) = delete;
  GrowingOutput& operator=(const GrowingOutput&) = delete;

  [[nodiscard]] std::uint64_t bytesOf(std::size_t piece) const { return offsets_[piece + 1] - offsets_[piece]; }
  /// Room for bytes of a piece, of which `done` are there already: what one piece gives, one thread gives, in order. Throws
  /// OutputGivenUp.
  [[nodiscard]] Room room(std::size_t piece, std::uint64_t done, std::size_t count);
  void filled(std::size_t piece, std::uint64_t done, std::size_t count);
  void completePiece(std::size_t piece, std::uint32_t crc32);

  /// A piece failed: nobody needs to wait for the others.
  void abandon() { window_.giveUp(); }
  /// Until all pieces are complete and the file is synced under its temporary name. Throws what hindered that.
  void wait();
  [[nodiscard]] OutputFile& file() { return file_; }
  /// After wait().
  [[nodiscard]] const std::string& sha256() const { return digest_; }

 private:
  /// What a thread of its own does: its failure is kept, and nobody waits for the output any longer.
  void attempt(void (GrowingOutput::*act)(), std::exception_ptr& failure);
  void write();
  void hash();
  void join();

  const OutputPlan& plan_;
  PairedHashing& hashing_;
  OutputFile file_;
  /// Of each piece, and the end.
  std::vector<std::uint64_t> offsets_;
  BlockWindow window_;
  std::string digest_;
  std::exception_ptr writeFailure_;
  std::exception_ptr hashFailure_;
  std::thread writer_;
  std::thread hasher_;
};

}  // namespace enginewright
