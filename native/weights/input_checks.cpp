#include "weights/input_checks.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <tuple>

#include "weights/failure.hpp"
#include "weights/tensor_stream.hpp"

namespace enginewright {

namespace {

TensorView viewOf(const InputCheck& check) { return {check.file, check.offset, 1, {check.bytes}, {1}}; }

bool isExactly(const TensorView& view, const InputCheck& check) {
  return view.itemBytes == 1 && view.offset == check.offset && view.shape == std::vector{check.bytes} &&
         view.strides == std::vector<std::uint64_t>{1};
}

}  // namespace

InputChecks::InputChecks(const std::vector<InputCheck>& checks) : taken_(checks.size(), false) {
  for (const InputCheck& check : checks) sorted_.push_back(&check);
  std::sort(sorted_.begin(), sorted_.end(), [](const InputCheck* left, const InputCheck* right) {
    return std::tie(left->file, left->offset) < std::tie(right->file, right->offset);
  });
}

InputChecks::OfStep InputChecks::assign(const std::vector<TensorView>& views, bool isPassing) {
  OfStep step;
  for (const TensorView& view : views) {
    const InputCheck* check = takeAt(view);
    if (check == nullptr) continue;
    if (isPassing && isExactly(view, *check)) {
      step.passing = check;
    } else {
      step.before.push_back(check);
    }
  }
  return step;
}

/// Ranges do not overlap, so only the last one that begins at or before the view can hold it.
const InputCheck* InputChecks::takeAt(const TensorView& view) {
  const auto after = std::upper_bound(sorted_.begin(), sorted_.end(), view, [](const TensorView& wanted, const InputCheck* check) {
    return std::tie(wanted.file, wanted.offset) < std::tie(check->file, check->offset);
  });
  if (after == sorted_.begin()) return nullptr;
  const auto index = static_cast<std::size_t>(after - sorted_.begin()) - 1;
  const InputCheck* check = sorted_[index];
  const bool isHeld = check->file == view.file && view.offset - check->offset < check->bytes;
  if (!isHeld || taken_[index]) return nullptr;
  taken_[index] = true;
  return check;
}

std::vector<const InputCheck*> InputChecks::rest() const {
  std::vector<const InputCheck*> rest;
  for (std::size_t i = 0; i < sorted_.size(); ++i) {
    if (!taken_[i]) rest.push_back(sorted_[i]);
  }
  return rest;
}

void checkInput(const InputCheck& check, InputFiles& inputs) {
  Crc32 sum;
  streamTensor(viewOf(check), inputs.open(check.file),
               [&](const std::uint8_t* bytes, std::size_t count) { sum.update(bytes, count); });
  requireSum(check, sum);
}

void requireSum(const InputCheck& check, const Crc32& sum) {
  if (sum.value() == check.crc32) return;
  throw Failure(FailureName::WeightsCorrupt,
                check.name + " of " + check.file + ", byte " + std::to_string(check.offset) +
                    ": has another CRC-32 than the archive says");
}

}  // namespace enginewright
