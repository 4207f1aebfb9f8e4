#include "weights/growing_output.hpp"

#include <algorithm>
#include <variant>

#include "weights/failure.hpp"
#include "weights/plan_check.hpp"

namespace enginewright {

namespace {

/// What a window holds of bytes that are only moved: enough for the disk and the digest to go on, and so little that it
/// stays in the CPU's cache.
constexpr std::uint64_t leastWindowBytes = std::uint64_t{24} << 20U;
/// Of computed bytes a whole tensor, so that a second thread can give the next one meanwhile, but no more than this.
constexpr std::uint64_t mostWindowBytes = std::uint64_t{96} << 20U;

std::vector<std::uint64_t> offsetsOf(const OutputPlan& plan) {
  std::vector<std::uint64_t> offsets{0};
  for (const Piece& piece : plan.pieces) offsets.push_back(offsets.back() + bytesOf(piece));
  return offsets;
}

std::vector<std::uint64_t> patchesOf(const OutputPlan& plan) {
  std::vector<std::uint64_t> patches;
  for (const Piece& piece : plan.pieces) patches.insert(patches.end(), piece.crc32At.begin(), piece.crc32At.end());
  std::sort(patches.begin(), patches.end());
  return patches;
}

std::size_t windowBlocks(const OutputPlan& plan, std::size_t blockBytes) {
  std::uint64_t largest = 0;
  for (const Piece& piece : plan.pieces) {
    const bool isMoved = std::holds_alternative<TensorView>(piece.content) || std::holds_alternative<BytesPiece>(piece.content);
    if (!isMoved) largest = std::max(largest, bytesOf(piece));
  }
  return static_cast<std::size_t>(std::clamp(largest, leastWindowBytes, mostWindowBytes) / blockBytes);
}

}  // namespace

GrowingOutput::GrowingOutput(const OutputPlan& plan, const std::string& nonce, BlockPool& pool, PairedHashing& hashing)
    : plan_(plan),
      hashing_(hashing),
      file_(plan.path, nonce, plan.bytes),
      offsets_(offsetsOf(plan)),
      window_({plan.bytes, windowBlocks(plan, pool.blockBytes())}, patchesOf(plan), pool) {
  writer_ = std::thread([this] { attempt(&GrowingOutput::write, writeFailure_); });
  try {
    hasher_ = std::thread([this] { attempt(&GrowingOutput::hash, hashFailure_); });
  } catch (...) {
    abandon();
    join();
    throw;
  }
}

GrowingOutput::~GrowingOutput() {
  abandon();
  join();
}

Room GrowingOutput::room(std::size_t piece, std::uint64_t done, std::size_t count) {
  return window_.room(offsets_[piece] + done, count);
}

void GrowingOutput::filled(std::size_t piece, std::uint64_t done, std::size_t count) {
  window_.filled(offsets_[piece] + done, count);
}

void GrowingOutput::completePiece(std::size_t piece, std::uint32_t crc32) {
  for (const std::uint64_t offset : plan_.pieces[piece].crc32At) window_.patch(offset, crc32);
}

void GrowingOutput::join() {
  for (std::thread* thread : {&writer_, &hasher_}) {
    if (thread->joinable()) thread->join();
  }
}

void GrowingOutput::wait() {
  join();
  for (const std::exception_ptr& failure : {writeFailure_, hashFailure_}) {
    if (failure) std::rethrow_exception(failure);
  }
}

void GrowingOutput::attempt(void (GrowingOutput::*act)(), std::exception_ptr& failure) {
  try {
    (this->*act)();
  } catch (...) {
    failure = std::current_exception();
    abandon();
  }
}

void GrowingOutput::write() {
  const auto put = [&](const FullBlock& block) { file_.writeBlock(block.offset, block.bytes, block.count); };
  if (!window_.follow(put)) throw Failure(FailureName::InternalError, file_.path() + " was given up");
  file_.complete();
}

void GrowingOutput::hash() {
  PairedHashing::Stream sha256(hashing_);
  const auto take = [&](const FullBlock& block) { sha256.update(block.bytes, block.count); };
  if (window_.follow(take)) digest_ = sha256.finish();
}

}  // namespace enginewright
