#include "weights/input_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "weights/failure.hpp"

namespace enginewright {

namespace {

/// Linux transfers at most 0x7ffff000 bytes a call (read(2)).
constexpr std::size_t largestRead = std::size_t{1} << 30U;

}  // namespace

InputFile::InputFile(std::string path) : path_(std::move(path)) {
  // Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
  descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0) {
    throw Failure(FailureName::WeightsMissing, "cannot read " + path_ + ": " + systemMessage(errno));
  }
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(descriptor_);
    throw Failure(FailureName::WeightsMissing, path_ + " is not a regular file");
  }
  bytes_ = static_cast<std::uint64_t>(status.st_size);
}

InputFile::~InputFile() { ::close(descriptor_); }

void InputFile::readAt(std::uint64_t offset, std::uint8_t* into, std::size_t count) const {
  while (count > 0) {
    const ssize_t got = ::pread(descriptor_, into, std::min(count, largestRead), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw Failure(FailureName::DiskFailed, "cannot read " + path_ + ": " + systemMessage(errno));
    if (got == 0) {
      throw Failure(FailureName::WeightsCorrupt, path_ + " ends at byte " + std::to_string(offset) +
                                                     ", before the end of a planned range");
    }
    const auto taken = static_cast<std::size_t>(got);
    into += taken;
    offset += taken;
    count -= taken;
  }
}

void InputFile::expect(std::uint64_t offset, std::uint64_t count) const {
#if defined(POSIX_FADV_WILLNEED)
  (void)::posix_fadvise(descriptor_, static_cast<off_t>(offset), static_cast<off_t>(count), POSIX_FADV_WILLNEED);
#else
  (void)offset, (void)count;
#endif
}

const InputFile& InputFiles::open(const std::string& path) {
  const std::lock_guard lock(mutex_);
  std::unique_ptr<InputFile>& file = files_[path];
  if (!file) file = std::make_unique<InputFile>(path);
  return *file;
}

}  // namespace enginewright
