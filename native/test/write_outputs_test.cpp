#include "weights/write_outputs.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "check.hpp"
#include "scratch_folder.hpp"
#include "weights/crc32.hpp"
#include "weights/plan_check.hpp"
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

void checkCrcReachesItsPlaces() {
  const test::ScratchFolder folder;
  const std::string input = folder.write("in", {'1', '2', '3', '4', '5', '6', '7', '8', '9'});
  WeightsPlan plan;
  plan.outputs.push_back(
      {folder.path("out"), 18, {{TensorView{input, 0, 1, {9}, {1}}, {9, 14}, ""}, literal(Bytes(9))}});

  CHECK(writing(plan).empty());

  const Bytes crc{0x26, 0x39, 0xf4, 0xcb};  // 0xcbf43926, little-endian
  const Bytes out = folder.read("out");
  CHECK(Bytes(out.begin() + 9, out.begin() + 13) == crc);
  CHECK(out[13] == 0);
  CHECK(Bytes(out.begin() + 14, out.end()) == crc);
}

InputCheck checkOf(const std::string& file, std::uint64_t offset, std::uint64_t bytes, std::uint32_t crc32) {
  return {file, offset, bytes, crc32, "data/0"};
}

/// The range as a piece of its own, inside a strided one, and read by nobody.
void checkChecksumsOfInputs() {
  const test::ScratchFolder folder;
  const std::string input = folder.write("in", {0, '1', '2', '3', '4', '5', '6', '7', '8', '9'});
  const std::vector<TensorView> views{
      {input, 1, 1, {9}, {1}}, {input, 3, 1, {2, 2}, {1, 2}}, {input, 1, 1, {3, 3}, {3, 1}}, {input, 0, 1, {1}, {1}}};
  for (const TensorView& view : views) {
    WeightsPlan plan;
    plan.outputs.push_back({folder.path("out"), bytesOf(view), {{view, {}, ""}}});
    plan.checks = {checkOf(input, 1, 9, 0xcbf43926U)};
    CHECK(writing(plan).empty());
    CHECK(folder.fileCount() == 2);
    ::unlink(folder.path("out").c_str());

    plan.checks = {checkOf(input, 1, 9, 0xcbf43927U)};
    CHECK(writing(plan) == "WeightsCorrupt");
    CHECK(folder.fileCount() == 1);

    plan.checks = {checkOf(input, 1, 10, 0xcbf43926U)};
    CHECK(writing(plan) == "WeightsCorrupt");
  }
}

/// Many outputs with patches and pieces of very different sizes, on one thread and on several.
void checkThreadsChangeNothing() {
  const test::ScratchFolder folder;
  Bytes input(3U << 20U);
  for (std::size_t i = 0; i < input.size(); ++i) input[i] = static_cast<std::uint8_t>(i * i >> 3U);
  const std::string path = folder.write("in", input);
  const auto planned = [&](const std::string& name) {
    WeightsPlan plan;
    for (std::uint64_t k = 0; k < 9; ++k) {
      const std::uint64_t large = (k * 350000) % input.size();
      OutputPlan output{folder.path(name + std::to_string(k)), 0, {}};
      output.pieces.push_back(literal(Bytes(9)));
      output.pieces.push_back({TensorView{path, 0, 1, {large}, {1}}, {large + 9, large + 9 + 5 + 100}, ""});
      output.pieces.push_back(literal(Bytes(5)));
      output.pieces.push_back({TensorView{path, 5, 1, {100}, {1}}, {}, ""});
      output.pieces.push_back(literal(Bytes(4)));
      output.bytes = 9 + large + 5 + 100 + 4;
      plan.outputs.push_back(std::move(output));
    }
    return plan;
  };
  for (const unsigned threads : {1U, 4U}) {
    Quiet quiet;
    writeOutputs(planned(std::to_string(threads) + "-"), "abc", quiet.events, threads);
  }
  for (unsigned k = 0; k < 9; ++k) CHECK(folder.read("1-" + std::to_string(k)) == folder.read("4-" + std::to_string(k)));
  CHECK(folder.fileCount() == 19);
}

/// What is told is the sha256 of the file as it stands, patches included.
void checkDigestIsOfTheFile() {
  const test::ScratchFolder folder;
  const std::string input = folder.write("in", Bytes(700000, 5));
  WeightsPlan plan;
  plan.outputs.push_back(
      {folder.path("out"), 700004, {{TensorView{input, 0, 1, {700000}, {1}}, {700000}, ""}, literal(Bytes(4))}});
  const std::string events = folder.path("events");
  const int descriptor = ::open(events.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  EventWriter writer(descriptor);
  writeOutputs(plan, "abc", writer);
  ::close(descriptor);

  const Bytes out = folder.read("out");
  Sha256 sha256;
  sha256.update(out.data(), out.size());
  const Bytes told = folder.read("events");
  CHECK(std::string(told.begin(), told.end()).find(sha256.finish()) != std::string::npos);
}

/// Large enough to pass the page cache by, with an end that cannot, and much larger than what is held in memory.
void checkLargeFile() {
  const test::ScratchFolder folder;
  Bytes row(1U << 20U);
  for (std::size_t i = 0; i < row.size(); ++i) row[i] = static_cast<std::uint8_t>(i * i >> 7U);
  const std::string input = folder.write("in", row);
  constexpr std::uint64_t rows = 140;
  WeightsPlan plan;
  const std::uint64_t tensor = rows * row.size();
  plan.outputs.push_back(
      {folder.path("out"), tensor + 9, {literal(Bytes(5, 7)), {TensorView{input, 0, 1, {rows, row.size()}, {0, 1}}, {tensor + 5}, ""}, literal(Bytes(4))}});

  CHECK(writing(plan).empty());

  const Bytes out = folder.read("out");
  CHECK(out.size() == tensor + 9 && out[4] == 7);
  for (std::uint64_t i = 0; i < rows; ++i) {
    const auto start = out.begin() + static_cast<std::ptrdiff_t>(5 + i * row.size());
    CHECK(std::equal(row.begin(), row.end(), start));
  }
  Crc32 sum;
  sum.update(out.data() + 5, tensor);
  for (unsigned i = 0; i < 4; ++i) CHECK(out[tensor + 5 + i] == static_cast<std::uint8_t>(sum.value() >> (8U * i)));
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
  checkCrcReachesItsPlaces();
  checkChecksumsOfInputs();
  checkThreadsChangeNothing();
  checkDigestIsOfTheFile();
  checkLargeFile();
  checkFailureLeavesNothing();
  checkFailedRenameWithdrawsTheOthers();
  checkMissingFolder();
  checkFailedWriteLeavesNothing();
  CHECK(writeFailure("/o", ENOSPC).name() == FailureName::DiskFull);
  CHECK(writeFailure("/o", EIO).name() == FailureName::DiskFailed);
  return test::result();
}
