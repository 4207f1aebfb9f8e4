// An output whose parts are written in any order, each at its own place; it gets its name when all are there.
#pragma once

#include <cstdint>
#include <string>

#include "weights/temporary_files.hpp"

namespace enginewright {

class PlacedFile {
 public:
  /// Throws StoreUnwritable or DiskFull.
  PlacedFile(const std::string& path, const std::string& nonce, std::uint64_t bytes);
  ~PlacedFile();
  PlacedFile(const PlacedFile&) = delete;
  PlacedFile& operator=(const PlacedFile&) = delete;

  /// Throws PlanInvalid for a part that leaves the file.
  void put(std::uint64_t offset, const void* bytes, std::size_t count);
  /// Durable, under its final name.
  void publish();

 private:
  std::string path_;
  std::uint64_t bytes_;
  std::uint64_t written_ = 0;
  TemporaryFile temporary_;
  int descriptor_ = -1;
};

}  // namespace enginewright
