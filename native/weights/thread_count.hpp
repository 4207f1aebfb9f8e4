#pragma once

namespace enginewright {

/// How many threads work on pieces at once: the cores this process may use, but no more than memory allows.
[[nodiscard]] unsigned workerThreads();

}  // namespace enginewright
