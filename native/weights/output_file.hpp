// One output: written to `<path>.<nonce>.part` beside its final name, made durable, renamed last.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "weights/sha256.hpp"
#include "weights/temporary_files.hpp"

namespace enginewright {

class OutputFile {
 public:
  /// Creates the temporary file and reserves its room. `patched`: patch() will be called, so the digest is
  /// taken by reading the file again at the end. Throws StoreUnwritable or DiskFull.
  OutputFile(const std::string& path, const std::string& nonce, std::uint64_t bytes, bool patched);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void append(const std::uint8_t* bytes, std::size_t count);
  /// Overwrites four bytes, little-endian, after everything was appended.
  void patch(std::uint64_t offset, std::uint32_t value);
  /// Completes the file under its temporary name: flushed, synced, closed.
  void finish();
  /// Gives it the final name; the folder is not yet synced.
  void publish();
  /// Takes the final name away again.
  void withdraw();

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  /// After finish().
  [[nodiscard]] const std::string& sha256() const { return digest_; }

 private:
  void flush();
  void writeOut(const std::uint8_t* bytes, std::size_t count);
  void hashAgain();

  std::string path_;
  std::uint64_t bytes_;
  bool patched_;
  TemporaryFile temporary_;
  int descriptor_ = -1;
  std::uint64_t written_ = 0;
  std::uint64_t writeback_ = 0;
  std::vector<std::uint8_t> pending_;
  Sha256 sha256_;
  std::string digest_;
};

[[nodiscard]] std::string folderOf(const std::string& path);

/// Makes renames inside a folder durable.
void syncFolder(const std::string& folder);

}  // namespace enginewright
