#include "weights/thread_count.hpp"

#include <algorithm>
#include <thread>

namespace enginewright {

namespace {

/// Each holds the blocks and factors of one tensor. Four of them, with the half of a tensor that a quantized one
/// may need whole, stay below three times the largest tensor and 256 MB; and no disk takes what more could make.
constexpr unsigned mostThreads = 4;

}  // namespace

unsigned workerThreads() { return std::clamp(std::thread::hardware_concurrency(), 1U, mostThreads); }

}  // namespace enginewright
