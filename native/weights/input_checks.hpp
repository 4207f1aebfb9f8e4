// The checksums of a plan's inputs, each looked at once. Whoever takes exactly a checked range from its file computes the
// sum as the bytes go by; for all other readers the range is read before they begin, which also brings it into the cache.
#pragma once

#include <cstddef>
#include <vector>

#include "weights/crc32.hpp"
#include "weights/input_file.hpp"
#include "weights/plan.hpp"

namespace enginewright {

class InputChecks {
 public:
  /// `checks` outlives this.
  explicit InputChecks(const std::vector<InputCheck>& checks);

  /// What must be true of what a step reads. The first step that reads from a range is the one that checks it.
  struct OfStep {
    /// Before the step begins.
    std::vector<const InputCheck*> before;
    /// Of the bytes that the step hands on, or null.
    const InputCheck* passing = nullptr;
  };

  /// `isPassing`: the step hands on what it reads as it is.
  [[nodiscard]] OfStep assign(const std::vector<TensorView>& views, bool isPassing);
  /// Those that no step reads from.
  [[nodiscard]] std::vector<const InputCheck*> rest() const;

 private:
  const InputCheck* takeAt(const TensorView& view);

  /// By file and offset.
  std::vector<const InputCheck*> sorted_;
  std::vector<bool> taken_;
};

/// Reads the range. Throws WeightsCorrupt if its CRC-32 is another one.
void checkInput(const InputCheck& check, InputFiles& inputs);
/// Throws WeightsCorrupt unless the sum is the expected one.
void requireSum(const InputCheck& check, const Crc32& sum);

}  // namespace enginewright
