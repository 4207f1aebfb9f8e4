#include "weights/growing_output.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "weights/failure.hpp"
#include "weights/plan_check.hpp"
#include "weights/sha256.hpp"

namespace enginewright {

namespace {

constexpr std::uint64_t writebackBytes = std::uint64_t{32} << 20U;
/// Between two looks at what was written meanwhile.
constexpr std::uint64_t stepBytes = std::uint64_t{16} << 20U;
/// Small enough for the second-level cache.
constexpr std::size_t hashBlockBytes = std::size_t{256} << 10U;

std::vector<PieceExtent> extentsOf(const OutputPlan& plan) {
  std::vector<PieceExtent> extents;
  extents.reserve(plan.pieces.size());
  for (const Piece& piece : plan.pieces) extents.push_back({bytesOf(piece), piece.crc32At});
  return extents;
}

}  // namespace

GrowingOutput::GrowingOutput(const OutputPlan& plan, const std::string& nonce)
    : file_(plan.path, nonce, plan.bytes), progress_(extentsOf(plan)) {
  follower_ = std::thread([this] { follow(); });
}

GrowingOutput::~GrowingOutput() {
  if (!follower_.joinable()) return;
  abandon();
  follower_.join();
}

void GrowingOutput::abandon() {
  {
    const std::lock_guard lock(mutex_);
    abandoned_ = true;
  }
  changed_.notify_one();
}

void GrowingOutput::write(std::size_t piece, std::uint64_t done, const std::uint8_t* bytes, std::size_t count) {
  file_.write(progress_.offsetOf(piece) + done, bytes, count);
  {
    const std::lock_guard lock(mutex_);
    progress_.advance(piece, count);
  }
  changed_.notify_one();
}

void GrowingOutput::completePiece(std::size_t piece, std::uint32_t crc32) {
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [offset, value] : progress_.complete(piece, crc32)) {
      std::uint8_t bytes[sizeof value];
      for (unsigned i = 0; i < sizeof value; ++i) bytes[i] = static_cast<std::uint8_t>(value >> (8U * i));
      file_.write(offset, bytes, sizeof value);
    }
  }
  changed_.notify_one();
}

void GrowingOutput::wait() {
  if (follower_.joinable()) follower_.join();
  if (failure_) std::rethrow_exception(failure_);
}

bool GrowingOutput::awaitMore(std::uint64_t hashed, std::uint64_t flushed, Reach& reach) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] {
    return abandoned_ || progress_.isComplete() || progress_.finalBytes() > hashed ||
           progress_.writtenBytes() >= flushed + writebackBytes;
  });
  reach = {progress_.writtenBytes(), progress_.finalBytes()};
  return !abandoned_;
}

void GrowingOutput::follow() {
  try {
    Sha256 sha256;
    std::vector<std::uint8_t> block(hashBlockBytes);
    std::uint64_t hashed = 0;
    std::uint64_t flushed = 0;
    Reach reach{0, 0};
    do {
      if (!awaitMore(hashed, flushed, reach)) {
        throw Failure(FailureName::InternalError, file_.path() + " was given up");
      }
      const bool isLast = reach.written == file_.bytes() && flushed < reach.written;
      if (isLast || reach.written >= flushed + writebackBytes) {
        file_.startWriteback(flushed, reach.written);
        flushed = reach.written;
      }
      const std::uint64_t end = std::min(reach.final, hashed + stepBytes);
      while (hashed < end) {
        const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(end - hashed, block.size()));
        file_.read(hashed, block.data(), count);
        sha256.update(block.data(), count);
        hashed += count;
      }
    } while (hashed < file_.bytes());
    digest_ = sha256.finish();
    file_.complete();
  } catch (...) {
    failure_ = std::current_exception();
  }
}

}  // namespace enginewright
