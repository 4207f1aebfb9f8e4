#include "weights/output_file.hpp"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "weights/failure.hpp"

namespace enginewright {

namespace {

/// Asked first, because a file system may fill itself to the last block before it refuses a reservation.
void requireRoom(int descriptor, std::uint64_t bytes, const std::string& path) {
  struct statvfs status {};
  if (::fstatvfs(descriptor, &status) != 0) return;
  const std::uint64_t available = std::uint64_t{status.f_bavail} * status.f_frsize;
  if (bytes <= available) return;
  throw Failure(FailureName::DiskFull, path + " needs " + std::to_string(bytes) + " bytes, its disk has " +
                                           std::to_string(available) + " left");
}

void reserveRoom(int descriptor, std::uint64_t bytes, const std::string& path) {
  requireRoom(descriptor, bytes, path);
#if defined(__linux__)
  if (bytes == 0 || ::fallocate(descriptor, 0, 0, static_cast<off_t>(bytes)) == 0) return;
  // Every other problem only means that this file system cannot reserve; it still can write.
  if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG) throw writeFailure(path, errno);
#endif
}

}  // namespace

OutputFile::OutputFile(const std::string& path, const std::string& nonce, std::uint64_t bytes)
    : path_(path), bytes_(bytes), temporary_(path + "." + nonce + ".part"), direct_(path) {
  descriptor_ = ::open(temporary_.path().c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor_ < 0) {
    const int problem = errno;
    temporary_.forget();
    if (problem == ENOSPC || problem == EDQUOT) throw writeFailure(path_, problem);
    throw Failure(FailureName::StoreUnwritable,
                  "cannot create " + temporary_.path() + ": " + systemMessage(problem));
  }
  try {
    reserveRoom(descriptor_, bytes_, path_);
    direct_.open(temporary_.path(), bytes_);
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

OutputFile::~OutputFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void OutputFile::writeBlock(std::uint64_t offset, const std::uint8_t* bytes, std::size_t count) {
  if (direct_.write(offset, bytes, count)) return;
  std::size_t done = 0;
  while (done < count) {
    const ssize_t put = ::pwrite(descriptor_, bytes + done, count - done, static_cast<off_t>(offset + done));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) throw writeFailure(path_, errno);
    done += static_cast<std::size_t>(put);
  }
#if defined(__linux__)
  // The disk begins now, so that the fsync at the end is short.
  ::sync_file_range(descriptor_, static_cast<off_t>(offset), static_cast<off_t>(count), SYNC_FILE_RANGE_WRITE);
#endif
}

void OutputFile::complete() {
  direct_.close();
  if (::fsync(descriptor_) != 0) throw writeFailure(path_, errno);
  const int closed = ::close(descriptor_);
  descriptor_ = -1;
  if (closed != 0) throw writeFailure(path_, errno);
}

void OutputFile::publish() {
  if (std::rename(temporary_.path().c_str(), path_.c_str()) != 0) {
    throw Failure(FailureName::StoreUnwritable, "cannot create " + path_ + ": " + systemMessage(errno));
  }
  temporary_.forget();
}

void OutputFile::withdraw() { ::unlink(path_.c_str()); }

std::string folderOf(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

void syncFolder(const std::string& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) throw writeFailure(folder, errno);
  const int synced = ::fsync(descriptor);
  const int problem = errno;
  ::close(descriptor);
  // EINVAL: a file system without folders to sync, such as some network mounts.
  if (synced != 0 && problem != EINVAL) throw writeFailure(folder, problem);
}

}  // namespace enginewright
