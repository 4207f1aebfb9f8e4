#include "weights/tensor_stream.hpp"

#include <algorithm>
#include <memory>
#include <vector>

namespace enginewright {

namespace {

/// Dimensions of one item vanish, and neighbours that lie without a gap become one. Steps are filled in
/// later.
std::vector<Axis> collapsedAxes(const TensorView& view) {
  std::vector<Axis> axes;
  for (std::size_t i = 0; i < view.shape.size(); ++i) {
    const std::uint64_t extent = view.shape[i];
    const std::uint64_t stride = view.strides[i];
    if (extent == 1) continue;
    if (!axes.empty() && axes.back().stride == extent * stride) {
      axes.back() = {axes.back().extent * extent, stride, 0};
    } else {
      axes.push_back({extent, stride, 0});
    }
  }
  if (axes.empty()) axes.push_back({1, 1, 0});
  return axes;
}

class BlockStream {
 public:
  BlockStream(const TensorView& view, const InputFile& file, const ByteSink& sink, std::size_t blockBytes)
      : file_(file),
        sink_(sink),
        itemBytes_(view.itemBytes),
        blockItems_(std::max<std::size_t>(1, blockBytes / view.itemBytes)),
        axes_(collapsedAxes(view)) {
    std::uint64_t step = 1;
    for (auto axis = axes_.rbegin(); axis != axes_.rend(); ++axis) {
      axis->step = step;
      step *= axis->extent;
    }
    stream(0, view.offset);
  }

 private:
  /// `axis.step` items lie below one index of an axis: as many indices as fit a block are read at once.
  void stream(std::size_t depth, std::uint64_t offset) {
    const Axis axis = axes_[depth];
    if (axis.step > blockItems_) {
      for (std::uint64_t i = 0; i < axis.extent; ++i) {
        stream(depth + 1, offset + i * axis.stride * itemBytes_);
      }
      return;
    }
    const std::uint64_t most = blockItems_ / axis.step;
    std::vector<Axis> box(axes_.begin() + static_cast<std::ptrdiff_t>(depth), axes_.end());
    for (std::uint64_t first = 0; first < axis.extent; first += most) {
      box.front().extent = std::min(most, axis.extent - first);
      const std::size_t bytes = box.front().extent * axis.step * itemBytes_;
      if (block_.size() < bytes) block_.resize(bytes);
      reader_.read(file_, offset + first * axis.stride * itemBytes_, itemBytes_, box, block_.data());
      sink_(block_.data(), bytes);
    }
  }

  const InputFile& file_;
  const ByteSink& sink_;
  std::uint64_t itemBytes_;
  std::uint64_t blockItems_;
  std::vector<Axis> axes_;
  BoxReader reader_;
  std::vector<std::uint8_t> block_;
};

/// Of a contiguous range: what was read is still in the cache when the sink takes it.
constexpr std::size_t rangeBlockBytes = std::size_t{512} << 10U;
/// The disk is asked for this much ahead.
constexpr std::uint64_t expectedBytes = std::uint64_t{8} << 20U;

}  // namespace

RangeReader::RangeReader(const InputFile& file, std::uint64_t offset, std::uint64_t bytes)
    : file_(file), offset_(offset), end_(offset + bytes), expected_(offset) {}

std::size_t RangeReader::next() const {
  return static_cast<std::size_t>(std::min<std::uint64_t>(end_ - offset_, rangeBlockBytes));
}

void RangeReader::read(std::uint8_t* into, std::size_t count) {
  if (expected_ < end_ && expected_ < offset_ + expectedBytes) {
    file_.expect(expected_, std::min(expectedBytes, end_ - expected_));
    expected_ += expectedBytes;
  }
  file_.readAt(offset_, into, count);
  offset_ += count;
}

std::optional<std::uint64_t> contiguousBytes(const TensorView& view) {
  // Strides of an empty tensor were not checked, because they reach nothing.
  if (std::find(view.shape.begin(), view.shape.end(), 0U) != view.shape.end()) return 0;
  const std::vector<Axis> axes = collapsedAxes(view);
  if (axes.size() != 1 || axes.front().stride != 1) return std::nullopt;
  return axes.front().extent * view.itemBytes;
}

void streamTensor(const TensorView& view, const InputFile& file, const ByteSink& sink,
                  std::size_t blockBytes) {
  const std::optional<std::uint64_t> bytes = contiguousBytes(view);
  if (!bytes) {
    BlockStream(view, file, sink, blockBytes);
    return;
  }
  RangeReader range(file, view.offset, *bytes);
  // Not zeroed first: each byte is read before it is looked at.
  const std::unique_ptr<std::uint8_t[]> block(new std::uint8_t[range.next()]);
  while (const std::size_t count = range.next()) {
    range.read(block.get(), count);
    sink(block.get(), count);
  }
}

}  // namespace enginewright
