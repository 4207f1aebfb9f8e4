// W with the changes of adapters: W + scale · (B A), DoRA, added biases, replaced rows. One block of rows
// at a time; safe to call from several threads for several pieces.
//
// Everything is computed in double and rounded to the result's dtype only where the plan says so. Products of
// narrow factors are exact in double and a sum over a LoRA rank loses about 2^-52 of its size, so the result
// is the correctly rounded one but for sums within that distance of a tie between two neighbours: at most 1
// ulp off.
#pragma once

#include <string>

#include "weights/input_file.hpp"
#include "weights/plan.hpp"
#include "weights/sink.hpp"

namespace enginewright {

/// Streams the merged matrix, row-major, in the dtype of the piece. The plan must have been checked. Throws
/// MergeNotFinite with the tensor's name for the first element that overflows its dtype, is infinite or NaN.
void streamMerge(const MergePiece& piece, const std::string& tensor, InputFiles& inputs,
                 Sink& sink);

}  // namespace enginewright
