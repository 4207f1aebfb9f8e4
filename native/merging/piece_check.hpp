#pragma once

#include <string>
#include <vector>

#include "merging/merge_piece.hpp"

namespace enginewright {

/// Throws PlanInvalid for matrices whose shapes do not go together.
void checkMergePiece(const MergePiece& piece, const std::string& name);

/// Every matrix the piece reads.
[[nodiscard]] std::vector<MatrixRange> matricesOf(const MergePiece& piece);

}  // namespace enginewright
