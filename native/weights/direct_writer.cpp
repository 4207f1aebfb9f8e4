#include "weights/direct_writer.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "weights/block_pool.hpp"
#include "weights/failure.hpp"

namespace enginewright {

namespace {

/// Smaller files are read again before the cache needs their memory for others.
constexpr std::uint64_t leastBytes = std::uint64_t{128} << 20U;
/// Above a hard disk or a small network volume, in bytes a second and thread; a busy CPU slows a fast disk down, too.
constexpr double leastSpeed = 150e6;
/// Written before the speed is looked at.
constexpr std::uint64_t trialBytes = std::uint64_t{32} << 20U;

}  // namespace

void DirectWriter::open(const std::string& path, std::uint64_t bytes) {
#if defined(O_DIRECT)
  if (bytes >= leastBytes) descriptor_ = ::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_DIRECT);
#else
  (void)path, (void)bytes;
#endif
  isUsed_ = descriptor_ >= 0;
}

bool DirectWriter::write(std::uint64_t offset, const std::uint8_t* bytes, std::size_t count) {
  if (!isUsed_ || count % BlockPool::alignment != 0) return false;
  const auto started = std::chrono::steady_clock::now();
  std::size_t done = 0;
  while (done < count) {
    const ssize_t put = ::pwrite(descriptor_, bytes + done, count - done, static_cast<off_t>(offset + done));
    if (put < 0 && errno == EINTR) continue;
    // The file system wants another alignment, or took a part that ends inside one.
    if (put < 0 && errno == EINVAL) isUsed_ = false;
    if (!isUsed_) return false;
    if (put < 0) throw writeFailure(name_, errno);
    done += static_cast<std::size_t>(put);
  }
  const auto passed = std::chrono::steady_clock::now() - started;
  nanoseconds_ += static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(passed).count());
  writtenBytes_ += count;
  if (isSlow()) isUsed_ = false;
  return true;
}

bool DirectWriter::isSlow() const {
  const auto bytes = static_cast<double>(writtenBytes_.load());
  return writtenBytes_ >= trialBytes && bytes * 1e9 < leastSpeed * static_cast<double>(nanoseconds_.load());
}

void DirectWriter::close() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
  isUsed_ = false;
}

}  // namespace enginewright
