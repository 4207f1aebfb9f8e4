// Input files, opened once and read at absolute offsets. Nothing is mapped: a file that shrinks while it is
// read is then an error with a name and not a SIGBUS.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace enginewright {

class InputFile {
 public:
  /// Throws WeightsMissing if it cannot be opened as a regular file.
  explicit InputFile(std::string path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

  /// Fills `into`, or throws WeightsCorrupt (the file ends early) or DiskFailed.
  void readAt(std::uint64_t offset, std::uint8_t* into, std::size_t count) const;
  /// Says that a range will be read soon, so that the disk can begin. Only a hint.
  void expect(std::uint64_t offset, std::uint64_t count) const;

 private:
  std::string path_;
  int descriptor_;
  std::uint64_t bytes_ = 0;
};

/// Threads may share it.
class InputFiles {
 public:
  [[nodiscard]] const InputFile& open(const std::string& path);

 private:
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<InputFile>> files_;
};

}  // namespace enginewright
