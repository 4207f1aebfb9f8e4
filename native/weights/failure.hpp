// The one exception type of this program: a name the caller knows, a sentence with the facts, an exit code.
#pragma once

#include <stdexcept>
#include <string>

namespace enginewright {

enum class FailureName {
  UsageInvalid,
  PlanInvalid,
  WeightsMissing,
  WeightsCorrupt,
  MergeNotFinite,
  StoreUnwritable,
  DiskFull,
  DiskFailed,
  InternalError,
};

class Failure : public std::runtime_error {
 public:
  Failure(FailureName name, const std::string& message, std::string tensor = "");

  [[nodiscard]] FailureName name() const { return name_; }
  /// The tensor at fault, or empty.
  [[nodiscard]] const std::string& tensor() const { return tensor_; }

 private:
  FailureName name_;
  std::string tensor_;
};

[[nodiscard]] const char* textOf(FailureName name);

/// sysexits.h: 64 usage, 65 data, 66 no input, 70 internal, 73 cannot create, 74 input/output.
[[nodiscard]] int exitCodeOf(FailureName name);

/// The system's words for an errno value.
[[nodiscard]] std::string systemMessage(int errorNumber);

/// A write that failed: no room and every other reason have different names, because only one of them passes.
[[nodiscard]] Failure writeFailure(const std::string& path, int errorNumber);

}  // namespace enginewright
