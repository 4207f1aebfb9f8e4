#include "weights/box_reader.hpp"

#include <algorithm>
#include <cstring>

namespace enginewright {

namespace {

/// A read this small costs about as much for its call as for its bytes, so gaps in it do not matter.
constexpr std::uint64_t cheapReadBytes = 4096;
/// In a larger read at least one item in this many must be wanted.
constexpr std::uint64_t largestSpread = 4;

template <std::size_t ItemBytes>
void copyItems(const std::uint8_t* from, const Axis& axis, std::uint8_t* to) {
  for (std::uint64_t i = 0; i < axis.extent; ++i) {
    std::memcpy(to + i * axis.step * ItemBytes, from + i * axis.stride * ItemBytes, ItemBytes);
  }
}

void copyLine(const std::uint8_t* from, const Axis& axis, std::size_t itemBytes, std::uint8_t* to) {
  if (axis.stride == 1 && axis.step == 1) {
    std::memcpy(to, from, axis.extent * itemBytes);
    return;
  }
  switch (itemBytes) {
    case 1:
      return copyItems<1>(from, axis, to);
    case 2:
      return copyItems<2>(from, axis, to);
    case 4:
      return copyItems<4>(from, axis, to);
    case 8:
      return copyItems<8>(from, axis, to);
    default:
      return copyItems<16>(from, axis, to);
  }
}

void scatter(const Axis* axis, const Axis* end, std::size_t itemBytes, const std::uint8_t* from,
             std::uint8_t* to) {
  if (axis == end) {
    std::memcpy(to, from, itemBytes);
    return;
  }
  if (axis + 1 == end) {
    copyLine(from, *axis, itemBytes, to);
    return;
  }
  for (std::uint64_t i = 0; i < axis->extent; ++i) {
    scatter(axis + 1, end, itemBytes, from + i * axis->stride * itemBytes, to + i * axis->step * itemBytes);
  }
}

/// Items that lie in the file as they will in the buffer need no window.
bool isDense(const std::vector<Axis>& axes) {
  std::uint64_t step = 1;
  for (auto axis = axes.rbegin(); axis != axes.rend(); ++axis) {
    const bool counts = axis->extent > 1;
    if (counts && (axis->stride != step || axis->step != step)) return false;
    step *= axis->extent;
  }
  return true;
}

std::uint64_t reachOf(const Axis& axis) { return (axis.extent - 1) * axis.stride; }

}  // namespace

void BoxReader::read(const InputFile& file, std::uint64_t offset, std::size_t itemBytes,
                     std::vector<Axis>& axes, std::uint8_t* out) {
  for (const Axis& axis : axes) {
    if (axis.extent == 0) return;
  }
  if (isDense(axes)) {
    std::size_t bytes = itemBytes;
    for (const Axis& axis : axes) bytes *= static_cast<std::size_t>(axis.extent);
    file.readAt(offset, out, bytes);
    return;
  }
  readOrSplit({file, itemBytes}, offset, axes, out);
}

bool BoxReader::fitsWindow(std::uint64_t span, std::uint64_t distinctItems, std::size_t itemBytes) const {
  if (span == 1) return true;
  if (span > windowBytes_ / itemBytes) return false;
  return span * itemBytes <= cheapReadBytes || span / largestSpread <= distinctItems;
}

/// A box whose span is small or dense is read in one piece and picked apart in memory; any other is halved
/// along the axis that reaches farthest, until it is.
void BoxReader::readOrSplit(const Source& source, std::uint64_t offset, std::vector<Axis>& axes,
                            std::uint8_t* out) {
  std::uint64_t span = 1;
  std::uint64_t distinctItems = 1;
  for (const Axis& axis : axes) {
    span += reachOf(axis);
    if (axis.stride != 0) distinctItems *= axis.extent;
  }

  if (fitsWindow(span, distinctItems, source.itemBytes)) {
    const std::size_t bytes = span * source.itemBytes;
    if (window_.size() < bytes) window_.resize(bytes);
    source.file.readAt(offset, window_.data(), bytes);
    scatter(axes.data(), axes.data() + axes.size(), source.itemBytes, window_.data(), out);
    return;
  }

  Axis& farthest = *std::max_element(axes.begin(), axes.end(), [](const Axis& left, const Axis& right) {
    return reachOf(left) < reachOf(right);
  });
  const std::uint64_t extent = farthest.extent;
  const std::uint64_t half = extent / 2;
  farthest.extent = half;
  readOrSplit(source, offset, axes, out);
  farthest.extent = extent - half;
  readOrSplit(source, offset + half * farthest.stride * source.itemBytes, axes,
              out + half * farthest.step * source.itemBytes);
  farthest.extent = extent;
}

}  // namespace enginewright
