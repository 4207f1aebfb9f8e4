// Everything that can be known to be wrong before the first byte is written: sums, shapes, and every range
// against the real length of its file. Sizes come from files somebody else wrote, so no sum or product may
// wrap around.
#pragma once

#include <vector>

#include "weights/input_file.hpp"
#include "weights/plan.hpp"

namespace enginewright {

/// Bytes a piece gives.
[[nodiscard]] std::uint64_t bytesOf(const Piece& piece);
[[nodiscard]] std::uint64_t bytesOf(const TensorView& view);

/// The range of one view against the real length of its file. Throws as checkPlan does.
void checkView(const TensorView& view, const std::string& name, InputFiles& inputs);
[[nodiscard]] TensorView viewOf(const MatrixRange& matrix);
/// The same for a matrix that will be held in memory, as whole rows or altogether: it may not have more values than its
/// file has room for, whatever its strides.
void checkHeldMatrix(const MatrixRange& matrix, const std::string& name, InputFiles& inputs);

/// Everything of input files that a piece reads.
[[nodiscard]] std::vector<TensorView> viewsOf(const Piece& piece);

/// Throws PlanInvalid (the plan contradicts itself), WeightsMissing (no such input) or WeightsCorrupt (a
/// range leaves its file).
void checkPlan(const WeightsPlan& plan, InputFiles& inputs);
void checkPlan(const DigestPlan& plan, InputFiles& inputs);

enum class Computing { Nothing, Merges };

/// Throws PlanInvalid if a piece would have to be computed in a way the verb does not: `copy` moves bytes and nothing
/// else, `merge` merges as well, `quantize` takes every piece and need not ask.
void refuseComputedPieces(const WeightsPlan& plan, Computing allowed);

}  // namespace enginewright
