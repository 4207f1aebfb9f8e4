#include "weights/block_window.hpp"

#include <algorithm>
#include <thread>
#include <vector>

#include "check.hpp"


using namespace enginewright;

namespace {

constexpr std::size_t blockBytes = BlockPool::alignment;
using Bytes = std::vector<std::uint8_t>;

/// What one reader saw.
struct Seen {
  Bytes bytes;
  std::vector<std::uint64_t> offsets;

  bool follow(BlockWindow& window) {
    return window.follow([this](const FullBlock& block) {
      offsets.push_back(block.offset);
      bytes.insert(bytes.end(), block.bytes, block.bytes + block.count);
    });
  }
};

/// What both readers saw, if it was the same.
Bytes readBy(BlockWindow& window) {
  Seen one;
  Seen other;
  bool isWhole = false;
  std::thread reader([&] { isWhole = one.follow(window); });
  CHECK(other.follow(window));
  reader.join();
  CHECK(isWhole && one.bytes == other.bytes && one.offsets == other.offsets);
  for (std::size_t i = 0; i < one.offsets.size(); ++i) CHECK(one.offsets[i] == i * blockBytes);
  return one.bytes;
}

std::uint8_t byteAt(std::uint64_t offset) { return static_cast<std::uint8_t>(offset * offset >> 5U); }

void put(BlockWindow& window, std::uint64_t from, std::uint64_t to) {
  while (from < to) {
    const Room room = window.room(from, static_cast<std::size_t>(to - from));
    CHECK(room.count > 0 && room.count <= to - from);
    for (std::size_t i = 0; i < room.count; ++i) room.bytes[i] = byteAt(from + i);
    window.filled(from, room.count);
    from += room.count;
  }
}

Bytes expected(std::size_t bytes) {
  Bytes all(bytes);
  for (std::size_t i = 0; i < bytes; ++i) all[i] = byteAt(i);
  return all;
}

/// Four threads give every fourth stretch of an odd length, in a window of two blocks.
void checkThreadsFillAnyOrder() {
  const std::size_t bytes = 40 * blockBytes + 123;
  constexpr std::size_t stretch = 1777;
  BlockPool pool(blockBytes);
  BlockWindow window({bytes, 2}, {}, pool);
  std::vector<std::thread> threads;
  for (std::size_t thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&window, thread, bytes] {
      for (std::size_t from = thread * stretch; from < bytes; from += 4 * stretch) put(window, from, std::min(bytes, from + stretch));
    });
  }
  CHECK(readBy(window) == expected(bytes));
  for (std::thread& thread : threads) thread.join();
}

/// A patched place holds its block back, and reaches over its end.
void checkPatchesComeLast() {
  constexpr std::size_t bytes = 3 * blockBytes;
  BlockPool pool(blockBytes);
  BlockWindow window({bytes, 3}, {10, 2 * blockBytes - 1}, pool);
  put(window, 0, bytes);
  Seen early;
  std::thread reader([&] { CHECK(early.follow(window)); });
  window.patch(2 * blockBytes - 1, 0x08070605);
  window.patch(10, 0x04030201);
  reader.join();
  Seen late;
  CHECK(late.follow(window));
  Bytes wanted = expected(bytes);
  for (std::size_t i = 0; i < 4; ++i) {
    wanted[10 + i] = static_cast<std::uint8_t>(1 + i);
    wanted[2 * blockBytes - 1 + i] = static_cast<std::uint8_t>(5 + i);
  }
  CHECK(early.bytes == wanted && late.bytes == wanted);
}

/// A value that is known before its place was filled is not lost to what fills it.
void checkEarlyPatchStays() {
  BlockPool pool(blockBytes);
  BlockWindow window({100, 1}, {50}, pool);
  window.patch(50, 0);
  put(window, 0, 100);
  const Bytes bytes = readBy(window);
  CHECK(bytes[49] == byteAt(49) && bytes[50] == 0 && bytes[53] == 0 && bytes[54] == byteAt(54));
}

void checkWhoWaitsIsSetFree() {
  BlockPool pool(blockBytes);
  BlockWindow window({4 * blockBytes, 1}, {}, pool);
  bool wasTold = false;
  std::thread ahead([&] {
    try {
      put(window, blockBytes, blockBytes + 1);
    } catch (const OutputGivenUp&) {
      wasTold = true;
    }
  });
  window.giveUp();
  ahead.join();
  CHECK(wasTold);
  CHECK(!Seen().follow(window));
}

void checkNothing() {
  BlockPool pool(blockBytes);
  BlockWindow window({0, 1}, {}, pool);
  CHECK(readBy(window).empty());
}

/// Blocks are taken up again.
void checkPoolKeepsMemory() {
  BlockPool pool(blockBytes);
  BlockPool::Block block = pool.take();
  std::uint8_t* const address = block.get();
  pool.giveBack(std::move(block));
  CHECK(pool.take().get() == address);
}

}  // namespace

int main() {
  checkThreadsFillAnyOrder();
  checkPatchesComeLast();
  checkEarlyPatchStays();
  checkWhoWaitsIsSetFree();
  checkNothing();
  checkPoolKeepsMemory();
  return test::result();
}
