#include "solving/placed_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "weights/failure.hpp"
#include "weights/output_file.hpp"

namespace enginewright {

PlacedFile::PlacedFile(const std::string& path, const std::string& nonce, std::uint64_t bytes)
    : path_(path), bytes_(bytes), temporary_(path + "." + nonce + ".part") {
  descriptor_ = ::open(temporary_.path().c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor_ < 0) {
    const int problem = errno;
    temporary_.forget();
    throw Failure(FailureName::StoreUnwritable, "cannot create " + path_ + ": " + systemMessage(problem));
  }
  if (::ftruncate(descriptor_, static_cast<off_t>(bytes)) != 0) {
    const int problem = errno;
    ::close(descriptor_);
    throw writeFailure(path_, problem);
  }
}

PlacedFile::~PlacedFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void PlacedFile::put(std::uint64_t offset, const void* bytes, std::size_t count) {
  if (offset > bytes_ || bytes_ - offset < count) {
    throw Failure(FailureName::PlanInvalid, "a part of " + path_ + " leaves the file");
  }
  const auto* from = static_cast<const std::uint8_t*>(bytes);
  written_ += count;
  while (count > 0) {
    const ssize_t put = ::pwrite(descriptor_, from, count, static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) throw writeFailure(path_, errno);
    from += put;
    offset += static_cast<std::uint64_t>(put);
    count -= static_cast<std::size_t>(put);
  }
}

void PlacedFile::publish() {
  if (written_ != bytes_) {
    throw Failure(FailureName::PlanInvalid, "the parts of " + path_ + " are " + std::to_string(written_) +
                                                " bytes, not the planned " + std::to_string(bytes_));
  }
  if (::fsync(descriptor_) != 0) throw writeFailure(path_, errno);
  const int closed = ::close(descriptor_);
  descriptor_ = -1;
  if (closed != 0) throw writeFailure(path_, errno);
  const SignalsHeldBack heldBack;
  if (std::rename(temporary_.path().c_str(), path_.c_str()) != 0) {
    throw Failure(FailureName::StoreUnwritable, "cannot create " + path_ + ": " + systemMessage(errno));
  }
  temporary_.forget();
  syncFolder(folderOf(path_));
}

}  // namespace enginewright
