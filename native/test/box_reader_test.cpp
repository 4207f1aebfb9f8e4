// BoxReader and streamTensor against an item-by-item reading, for many shapes and strides and small buffers.
#include "weights/box_reader.hpp"

#include <algorithm>
#include <random>

#include "check.hpp"
#include "scratch_folder.hpp"
#include "weights/tensor_stream.hpp"

using namespace enginewright;
using test::Bytes;

namespace {

constexpr std::uint64_t fileBytes = 200000;

void itemByItem(const TensorView& view, const Bytes& file, std::size_t axis, std::uint64_t at, Bytes& out) {
  if (axis == view.shape.size()) {
    const auto first = file.begin() + static_cast<std::ptrdiff_t>(at);
    out.insert(out.end(), first, first + static_cast<std::ptrdiff_t>(view.itemBytes));
    return;
  }
  for (std::uint64_t i = 0; i < view.shape[axis]; ++i) {
    itemByItem(view, file, axis + 1, at + i * view.strides[axis] * view.itemBytes, out);
  }
}

Bytes streamed(const TensorView& view, const InputFile& file, std::size_t blockBytes) {
  Bytes out;
  streamTensor(
      view, file,
      [&](const std::uint8_t* bytes, std::size_t count) {
        CHECK(count <= std::max<std::size_t>(blockBytes, 16) || view.strides.back() == 1);
        out.insert(out.end(), bytes, bytes + count);
      },
      blockBytes);
  return out;
}

void checkStream(const TensorView& view, const Bytes& content, const InputFile& file) {
  Bytes expected;
  itemByItem(view, content, 0, view.offset, expected);
  for (const std::size_t blockBytes : {16U, 100U, 5000U, 1U << 20U}) {
    CHECK(streamed(view, file, blockBytes) == expected);
  }
}

std::uint64_t lastItem(const TensorView& view) {
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < view.shape.size(); ++i) last += (view.shape[i] - 1) * view.strides[i];
  return last;
}

void checkRandomViews(const Bytes& content, const InputFile& file) {
  std::mt19937 random(17);
  constexpr std::uint64_t sizes[] = {1, 2, 4, 8, 16};
  int tried = 0;
  while (tried < 300) {
    TensorView view{"", random() % 50, sizes[random() % 5], {}, {}};
    const std::size_t dimensions = 1 + random() % 4;
    for (std::size_t i = 0; i < dimensions; ++i) {
      view.shape.push_back(1 + random() % 12);
      view.strides.push_back(random() % 5 == 0 ? 0 : random() % 120);
    }
    if (view.offset + (lastItem(view) + 1) * view.itemBytes > fileBytes) continue;
    checkStream(view, content, file);
    ++tried;
  }
}

/// A box that is too large for its window is split along the far axis, and still lands at the right places.
void checkSmallWindow(const Bytes& content, const InputFile& file) {
  std::vector<Axis> axes{{50, 1, 300}, {300, 50, 1}};
  Bytes out(50 * 300 * 2);
  BoxReader(512).read(file, 10, 2, axes, out.data());
  Bytes expected;
  itemByItem({"", 10, 2, {50, 300}, {1, 50}}, content, 0, 10, expected);
  CHECK(out == expected);
}

}  // namespace

int main() {
  const test::ScratchFolder folder;
  Bytes content(fileBytes);
  std::mt19937 random(19);
  for (std::uint8_t& byte : content) byte = static_cast<std::uint8_t>(random());
  const InputFile file(folder.write("input", content));

  checkStream({"", 0, 4, {}, {}}, content, file);                     // a scalar
  checkStream({"", 0, 4, {3, 0, 5}, {1, 999999, 1}}, content, file);  // empty
  checkStream({"", 8, 2, {100, 200}, {200, 1}}, content, file);       // contiguous
  checkStream({"", 8, 2, {100, 200}, {1, 100}}, content, file);       // transposed
  checkStream({"", 8, 2, {7, 200}, {0, 1}}, content, file);           // expanded
  checkStream({"", 0, 1, {10, 10}, {10000, 1000}}, content, file);    // far apart
  checkStream({"", 0, 8, {2, 3, 4, 5}, {60, 20, 5, 1}}, content, file);
  checkRandomViews(content, file);
  checkSmallWindow(content, file);

  Bytes beyond(10);
  CHECK(test::failureOf([&] { file.readAt(fileBytes - 5, beyond.data(), 10); }) == "WeightsCorrupt");
  CHECK(test::failureOf([&] { const InputFile missing(folder.path("none")); }) == "WeightsMissing");
  CHECK(test::failureOf([&] { const InputFile itself(folder.path("")); }) == "WeightsMissing");
  return test::result();
}
