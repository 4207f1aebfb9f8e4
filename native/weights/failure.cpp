#include "weights/failure.hpp"

#include <cerrno>
#include <system_error>
#include <utility>

namespace enginewright {

Failure::Failure(FailureName name, const std::string& message, std::string tensor)
    : std::runtime_error(message), name_(name), tensor_(std::move(tensor)) {}

const char* textOf(FailureName name) {
  switch (name) {
    case FailureName::UsageInvalid:
      return "UsageInvalid";
    case FailureName::PlanInvalid:
      return "PlanInvalid";
    case FailureName::WeightsMissing:
      return "WeightsMissing";
    case FailureName::WeightsCorrupt:
      return "WeightsCorrupt";
    case FailureName::MergeNotFinite:
      return "MergeNotFinite";
    case FailureName::StoreUnwritable:
      return "StoreUnwritable";
    case FailureName::DiskFull:
      return "DiskFull";
    case FailureName::DiskFailed:
      return "DiskFailed";
    case FailureName::InternalError:
      break;
  }
  return "InternalError";
}

int exitCodeOf(FailureName name) {
  switch (name) {
    case FailureName::UsageInvalid:
      return 64;
    case FailureName::PlanInvalid:
    case FailureName::WeightsCorrupt:
    case FailureName::MergeNotFinite:
      return 65;
    case FailureName::WeightsMissing:
      return 66;
    case FailureName::StoreUnwritable:
      return 73;
    case FailureName::DiskFull:
    case FailureName::DiskFailed:
      return 74;
    case FailureName::InternalError:
      break;
  }
  return 70;
}

std::string systemMessage(int errorNumber) { return std::generic_category().message(errorNumber); }

Failure writeFailure(const std::string& path, int errorNumber) {
  const bool full = errorNumber == ENOSPC || errorNumber == EDQUOT;
  const FailureName name = full ? FailureName::DiskFull : FailureName::DiskFailed;
  return {name, "cannot write " + path + ": " + systemMessage(errorNumber)};
}

}  // namespace enginewright
