#pragma once

#include "merging/merge_piece.hpp"
#include "weights/plan_node.hpp"

namespace enginewright {

[[nodiscard]] MergePiece mergePieceOf(const Node& node);

}  // namespace enginewright
