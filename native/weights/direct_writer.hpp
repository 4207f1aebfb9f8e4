// Writing that passes the page cache by (open(2), O_DIRECT). A large file then costs no memory and no copy, and what other
// programs have in the cache stays there. On a slow disk the cache is worth more: the disk works on while the
// program does, and the next step need not read from it. See docs/decisions/0008.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace enginewright {

class DirectWriter {
 public:
  /// `name` for messages.
  explicit DirectWriter(std::string name) : name_(std::move(name)) {}
  ~DirectWriter() { close(); }
  DirectWriter(const DirectWriter&) = delete;
  DirectWriter& operator=(const DirectWriter&) = delete;

  /// Of a file that is open for other writing already. Does nothing for a small one and where the file system cannot.
  void open(const std::string& path, std::uint64_t bytes);
  /// False if the range must be written another way: because it is not aligned, or because that is better here. Throws
  /// DiskFull or DiskFailed.
  [[nodiscard]] bool write(std::uint64_t offset, const std::uint8_t* bytes, std::size_t count);
  void close();

 private:
  [[nodiscard]] bool isSlow() const;

  std::string name_;
  int descriptor_ = -1;
  std::atomic<bool> isUsed_{false};
  std::atomic<std::uint64_t> writtenBytes_{0};
  /// Of all threads together.
  std::atomic<std::uint64_t> nanoseconds_{0};
};

}  // namespace enginewright
