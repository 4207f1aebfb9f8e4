// One output: written to `<path>.<nonce>.part` beside its final name, made durable, renamed last.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "weights/temporary_files.hpp"

namespace enginewright {

class OutputFile {
 public:
  /// Creates the temporary file and reserves its room. Throws StoreUnwritable or DiskFull.
  OutputFile(const std::string& path, const std::string& nonce, std::uint64_t bytes);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  // Threads may write and read different ranges at once.
  void write(std::uint64_t offset, const std::uint8_t* bytes, std::size_t count) const;
  void read(std::uint64_t offset, std::uint8_t* into, std::size_t count) const;
  /// Lets the disk begin with a range, so that the fsync at the end is short.
  void startWriteback(std::uint64_t from, std::uint64_t to) const;
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
};

[[nodiscard]] std::string folderOf(const std::string& path);

/// Makes renames inside a folder durable.
void syncFolder(const std::string& folder);

}  // namespace enginewright
