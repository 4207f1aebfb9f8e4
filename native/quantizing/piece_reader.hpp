#pragma once

#include "quantizing/scheme.hpp"
#include "weights/plan_node.hpp"

namespace enginewright {

[[nodiscard]] QuantizePiece quantizePieceOf(const Node& node);
[[nodiscard]] PackPiece packPieceOf(const Node& node);
[[nodiscard]] Grid gridOf(const Node& node);
[[nodiscard]] FloatDtype scaleDtypeOf(const Node& node);

/// Throws PlanInvalid for a grid, a layout and a shape that do not go together.
void checkQuantizePiece(const QuantizePiece& piece, const std::string& name);
void checkPackPiece(const PackPiece& piece, const std::string& name);

}  // namespace enginewright
