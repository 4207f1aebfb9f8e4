#pragma once

namespace enginewright {

/// `value` + `change`, but a change of zero leaves every bit: −0 + 0 would be +0, and an adapter that changes nothing
/// must give back the bytes it was given.
[[nodiscard]] inline double plusChange(double value, double change) {
  return change == 0 ? value : value + change;
}

}  // namespace enginewright
