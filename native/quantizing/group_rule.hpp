// Scale and zero point of one group of an integer grid.
#pragma once

#include "quantizing/integer_kernels.hpp"
#include "quantizing/scheme.hpp"

namespace enginewright {

/// Rounds a scale to the dtype it is stored in, and back.
[[nodiscard]] float storedScale(float scale, FloatDtype dtype);

/// The rule by which a group with these values' extent becomes codes.
///
/// Symmetric: amax / 2^(bits-1), / (2^(bits-1) - 1) or / ((2^bits - 1) / 2), by convention. `Full` is TensorRT-LLM's
/// weight-only format (cutlass_preprocessors.cpp): halves are rounded away from zero and the scale divides before it
/// is rounded for storage. The other two divide by the stored scale and round to even; `Restricted` is ModelOpt's
/// (scale 1 for a group of zeros), `Centred` compressed-tensors' (scale at least the epsilon of binary32;
/// quantization/utils/helpers.py, calculate_qparams). Asymmetric: (max - min) / (2^bits - 1) with 0 inside the range.
/// A scale that rounds to 0 in its dtype gives codes of 0.
[[nodiscard]] CodeRule ruleOf(const Extent& extent, const Grid& grid, FloatDtype scaleDtype);

}  // namespace enginewright
