#include "weights/output_progress.hpp"

#include "check.hpp"

using namespace enginewright;

namespace {

void complete(OutputProgress& progress, std::size_t piece) {
  progress.advance(piece, progress.bytesOf(piece));
  CHECK(progress.complete(piece, 0).empty());
}

void checkGapsHoldTheRestBack() {
  OutputProgress progress({{10, {}}, {20, {}}, {0, {}}, {30, {}}});
  CHECK(progress.offsetOf(3) == 30);

  complete(progress, 1);
  CHECK(progress.writtenBytes() == 0);
  progress.advance(0, 4);
  CHECK(progress.writtenBytes() == 4 && progress.finalBytes() == 4);
  progress.advance(0, 6);
  CHECK(progress.complete(0, 0).empty());
  CHECK(progress.writtenBytes() == 30 && !progress.isComplete());
  complete(progress, 3);
  complete(progress, 2);
  CHECK(progress.isComplete() && progress.finalBytes() == 60);
}

/// A zip entry: its header and, at the end, the directory want the CRC-32 of what lies between.
void checkPatchedBytesAreNotFinalBefore() {
  OutputProgress progress({{40, {}}, {100, {14, 156}}, {40, {}}});
  complete(progress, 0);
  CHECK(progress.writtenBytes() == 40 && progress.finalBytes() == 14);
  progress.advance(1, 100);
  const auto early = progress.complete(1, 7);
  CHECK(early.size() == 1 && early[0].offset == 14 && early[0].value == 7);
  CHECK(progress.finalBytes() == 140);
  progress.advance(2, 40);
  CHECK(progress.finalBytes() == 156);
  const auto late = progress.complete(2, 0);
  CHECK(late.size() == 1 && late[0].offset == 156 && late[0].value == 7);
  CHECK(progress.isComplete() && progress.finalBytes() == 180);
}

/// Whichever piece is faster, patches come in the order of the pieces.
void checkPatchesKeepTheirOrder() {
  OutputProgress progress({{4, {}}, {4, {0}}, {4, {0}}});
  progress.advance(2, 4);
  CHECK(progress.complete(2, 22).empty());
  complete(progress, 0);
  CHECK(progress.finalBytes() == 0);
  progress.advance(1, 4);
  const auto patches = progress.complete(1, 11);
  CHECK(patches.size() == 2 && patches[0].value == 11 && patches[1].value == 22);
}

void checkNothing() {
  const OutputProgress progress({});
  CHECK(progress.isComplete() && progress.finalBytes() == 0);
}

}  // namespace

int main() {
  checkGapsHoldTheRestBack();
  checkPatchedBytesAreNotFinalBefore();
  checkPatchesKeepTheirOrder();
  checkNothing();
  return test::result();
}
