#include "weights/block_window.hpp"

#include <algorithm>
#include <mutex>
#include <thread>
#include <vector>

#include "check.hpp"


using namespace enginewright;

namespace {

constexpr std::size_t blockBytes = BlockPool::alignment;
using Bytes = std::vector<std::uint8_t>;

/// What was written and what was hashed, as files.
struct Seen {
  explicit Seen(std::size_t bytes) : written(bytes), blocks(0) {}

  Bytes written;
  Bytes hashed;
  std::size_t blocks;
  std::mutex mutex;

  BlockWindow::Write writer() {
    return [this](const FullBlock& block) {
      const std::lock_guard lock(mutex);
      ++blocks;
      std::copy_n(block.bytes, block.count, written.begin() + static_cast<std::ptrdiff_t>(block.offset));
    };
  }

  bool follow(BlockWindow& window) {
    return window.follow([this](const FullBlock& block) { hashed.insert(hashed.end(), block.bytes, block.bytes + block.count); });
  }
};

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
  Seen seen(bytes);
  BlockWindow window({bytes, 2}, {}, pool, seen.writer());
  std::vector<std::thread> threads;
  for (std::size_t thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&window, thread, bytes] {
      for (std::size_t from = thread * stretch; from < bytes; from += 4 * stretch) put(window, from, std::min(bytes, from + stretch));
    });
  }
  CHECK(seen.follow(window));
  for (std::thread& thread : threads) thread.join();
  CHECK(seen.written == expected(bytes) && seen.hashed == expected(bytes));
  CHECK(seen.blocks == 41);
}

/// A patched place holds its block back, and reaches over its end.
void checkPatchesComeLast() {
  constexpr std::size_t bytes = 3 * blockBytes;
  const std::vector<std::uint64_t> places{10, 2 * blockBytes - 1};
  BlockPool pool(blockBytes);
  Seen seen(bytes);
  BlockWindow window({bytes, 3}, places, pool, seen.writer());
  put(window, 0, bytes);
  CHECK(seen.blocks == 0);
  window.patch(10, 0x04030201);
  CHECK(seen.blocks == 1);
  window.patch(2 * blockBytes - 1, 0x08070605);
  CHECK(seen.blocks == 3);
  CHECK(seen.follow(window));
  Bytes wanted = expected(bytes);
  for (std::size_t i = 0; i < 4; ++i) {
    wanted[10 + i] = static_cast<std::uint8_t>(1 + i);
    wanted[2 * blockBytes - 1 + i] = static_cast<std::uint8_t>(5 + i);
  }
  CHECK(seen.written == wanted && seen.hashed == wanted);
}

/// A value that is known before its place was filled is not lost to what fills it.
void checkEarlyPatchStays() {
  BlockPool pool(blockBytes);
  Seen seen(100);
  BlockWindow window({100, 1}, {50}, pool, seen.writer());
  window.patch(50, 0);
  put(window, 0, 100);
  CHECK(seen.follow(window));
  CHECK(seen.written[50] == 0 && seen.written[53] == 0 && seen.written[54] == byteAt(54));
}

void checkWhoWaitsIsSetFree() {
  BlockPool pool(blockBytes);
  Seen seen(4 * blockBytes);
  BlockWindow window({4 * blockBytes, 1}, {}, pool, seen.writer());
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
  CHECK(!seen.follow(window));
}

void checkNothing() {
  BlockPool pool(blockBytes);
  Seen seen(0);
  BlockWindow window({0, 1}, {}, pool, seen.writer());
  CHECK(seen.follow(window) && seen.blocks == 0);
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
