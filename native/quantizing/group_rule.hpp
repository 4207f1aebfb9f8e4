// Scale and zero point of one group of an integer grid.
#pragma once

#include "quantizing/integer_kernels.hpp"
#include "quantizing/scheme.hpp"

namespace enginewright {

/// Rounds a scale to the dtype it is stored in, and back.
[[nodiscard]] float storedScale(float scale, FloatDtype dtype);

/// The same; a scale that becomes 0 is the dtype's epsilon instead, as compressed-tensors has it
/// (quantization/utils/helpers.py, calculate_qparams and _get_dtype_eps).
[[nodiscard]] float usableScale(float scale, FloatDtype dtype);

/// The rule by which a group with these values' extent becomes codes.
///
/// Symmetric: amax / 2^(bits-1), / (2^(bits-1) - 1) or / ((2^bits - 1) / 2), by convention. `Full` is TensorRT-LLM's
/// weight-only format (cutlass_preprocessors.cpp): halves are rounded away from zero and the scale divides before it
/// is rounded for storage. The other two divide by the stored scale and round to even; `Restricted` is ModelOpt's
/// (scale 1 for a group of zeros), `Centred` compressed-tensors' (`usableScale`). Asymmetric, compressed-tensors' as
/// well: (max - min) / (2^bits - 1) with 0 inside the range. A scale of 0 gives codes of 0. A scale may be infinite in
/// its dtype: callers refuse that.
[[nodiscard]] CodeRule ruleOf(const Extent& extent, const Grid& grid, FloatDtype scaleDtype);

}  // namespace enginewright
