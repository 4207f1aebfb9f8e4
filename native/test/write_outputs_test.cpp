#include "weights/write_outputs.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>

#include "check.hpp"
#include "scratch_folder.hpp"
#include "weights/crc32.hpp"
#include "weights/sha256.hpp"

using namespace enginewright;
using test::Bytes;

namespace {

/// Events go nowhere: what is written is what these tests look at.
class Quiet {
 public:
  Quiet() : descriptor_(::open("/dev/null", O_WRONLY | O_CLOEXEC)), events(descriptor_) {}
  ~Quiet() { ::close(descriptor_); }
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;

 private:
  int descriptor_;

 public:
  EventWriter events;
};

std::string writing(const WeightsPlan& plan) {
  Quiet quiet;
  return test::failureOf([&] { writeOutputs(plan, "abc", quiet.events); });
}

Piece literal(Bytes bytes) { return {BytesPiece{std::move(bytes)}, {}, ""}; }

void checkPiecesFollowEachOther() {
  const test::ScratchFolder folder;
  const std::string input = folder.write("in", {1, 2, 3, 4, 5, 6});
  WeightsPlan plan;
  plan.outputs.push_back(
      {folder.path("one"), 7, {literal({9}), {TensorView{input, 1, 1, {4}, {1}}, {}, ""}, literal({8, 7})}});
  plan.outputs.push_back({folder.path("two"), 0, {}});

  CHECK(writing(plan).empty());

  CHECK((folder.read("one") == Bytes{9, 2, 3, 4, 5, 8, 7}));
  CHECK(folder.read("two").empty());
  CHECK(folder.fileCount() == 3);
}

void checkCrcReachesEarlierAndLaterPlaces() {
  const test::ScratchFolder folder;
  const std::string input = folder.write("in", {'1', '2', '3', '4', '5', '6', '7', '8', '9'});
  WeightsPlan plan;
  plan.outputs.push_back(
      {folder.path("out"),
       18,
       {literal(Bytes(5)), {TensorView{input, 0, 1, {9}, {1}}, {1, 14}, ""}, literal(Bytes(4))}});

  CHECK(writing(plan).empty());

  const Bytes crc{0x26, 0x39, 0xf4, 0xcb};  // 0xcbf43926, little-endian
  const Bytes out = folder.read("out");
  CHECK(Bytes(out.begin() + 1, out.begin() + 5) == crc);
  CHECK(Bytes(out.begin() + 14, out.end()) == crc);
}

void checkFailureLeavesNothing() {
  const test::ScratchFolder folder;
  // 1e5 as F32: more than F16 can hold, found only while the second output is written.
  const std::string input = folder.write("in", {0x00, 0x50, 0xc3, 0x47});
  const MatrixRange base{input, 0, FloatDtype::F32, 1, 1, 1, 1};
  WeightsPlan plan;
  plan.outputs.push_back({folder.path("one"), 1, {literal({1})}});
  plan.outputs.push_back(
      {folder.path("two"), 2, {{MergePiece{base, FloatDtype::F16, {}, Rounding::Once}, {}, "w"}}});

  CHECK(writing(plan) == "MergeNotFinite");

  CHECK(folder.fileCount() == 1);
}

/// The second rename fails because a folder has the name; the first output must not stay behind.
void checkFailedRenameWithdrawsTheOthers() {
  const test::ScratchFolder folder;
  CHECK(std::filesystem::create_directory(folder.path("two")));
  WeightsPlan plan;
  plan.outputs.push_back({folder.path("one"), 1, {literal({1})}});
  plan.outputs.push_back({folder.path("two"), 1, {literal({1})}});

  CHECK(writing(plan) == "StoreUnwritable");

  CHECK(folder.fileCount() == 1);
}

void checkMissingFolder() {
  const test::ScratchFolder folder;
  WeightsPlan plan;
  plan.outputs.push_back({folder.path("none/out"), 1, {literal({1})}});
  CHECK(writing(plan) == "StoreUnwritable");
}

/// A limit on the file size stands for a disk that takes no more bytes.
void checkFailedWriteLeavesNothing() {
  const test::ScratchFolder folder;
  WeightsPlan plan;
  plan.outputs.push_back({folder.path("out"), 3U << 20U, {literal(Bytes(3U << 20U))}});
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  CHECK(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  rlimit small = before;
  small.rlim_cur = 1U << 20U;
  CHECK(::setrlimit(RLIMIT_FSIZE, &small) == 0);

  CHECK(writing(plan) == "DiskFailed");

  CHECK(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  CHECK(folder.fileCount() == 0);
}

}  // namespace

int main() {
  checkPiecesFollowEachOther();
  checkCrcReachesEarlierAndLaterPlaces();
  checkFailureLeavesNothing();
  checkFailedRenameWithdrawsTheOthers();
  checkMissingFolder();
  checkFailedWriteLeavesNothing();
  CHECK(writeFailure("/o", ENOSPC).name() == FailureName::DiskFull);
  CHECK(writeFailure("/o", EIO).name() == FailureName::DiskFailed);
  return test::result();
}
