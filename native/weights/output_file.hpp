// One output: written to `<path>.<nonce>.part` beside its final name, made durable, renamed last. Large ones pass the
// page cache by, as long as the disk is fast.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "weights/direct_writer.hpp"
#include "weights/temporary_files.hpp"

namespace enginewright {

class OutputFile {
 public:
  /// Creates the temporary file and reserves its room. Throws StoreUnwritable or DiskFull.
  OutputFile(const std::string& path, const std::string& nonce, std::uint64_t bytes);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// Threads may write different ranges at once. Memory, offset and count are multiples of BlockPool::alignment, but for
  /// the count of the last block. Throws DiskFull or DiskFailed.
  void writeBlock(std::uint64_t offset, const std::uint8_t* bytes, std::size_t count);
  /// Completes the file under its temporary name: synced and closed.
  void complete();
  /// Gives it the final name; the folder is not yet synced.
  void publish();
  /// Takes the final name away again.
  void withdraw();

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  std::string path_;
  std::uint64_t bytes_;
  TemporaryFile temporary_;
  int descriptor_ = -1;
  DirectWriter direct_;
};

[[nodiscard]] std::string folderOf(const std::string& path);

/// Makes renames inside a folder durable.
void syncFolder(const std::string& folder);

}  // namespace enginewright
