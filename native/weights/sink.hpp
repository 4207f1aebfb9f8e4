#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace enginewright {

/// Memory for the next bytes of a stream.
struct Room {
  std::uint8_t* bytes;
  std::size_t count;
};

/// Takes a stream of bytes, in order.
class Sink {
 public:
  Sink() = default;
  virtual ~Sink() = default;
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  /// For bytes that can be made where they belong: room for 1 … `count` of them. Asked again before `filled`, it is the
  /// same.
  [[nodiscard]] virtual Room room(std::size_t count) = 0;
  /// The first bytes of the room are there, `count` as it says or fewer.
  virtual void filled(const Room& room) = 0;

  /// For bytes that are elsewhere.
  void take(const std::uint8_t* bytes, std::size_t count) {
    while (count > 0) {
      const Room space = room(count);
      std::copy_n(bytes, space.count, space.bytes);
      filled(space);
      bytes += space.count;
      count -= space.count;
    }
  }
};

}  // namespace enginewright
