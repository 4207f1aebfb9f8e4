// What becomes of one matrix while adapters are merged into it. Read, checked and streamed by the other files here.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "weights/float_formats.hpp"
#include "weights/matrix_range.hpp"

namespace enginewright {

/// W + scale · (B A), or its transpose.
struct LoraDelta {
  MatrixRange a;
  MatrixRange b;
  double scale = 1;
  bool transpose = false;
  /// The delta is rounded before it is added, except with Rounding::Once.
  bool roundsDelta = false;
  /// DoRA: the rows of W + Δ (its columns with `transpose`) get these lengths. One row.
  std::optional<MatrixRange> magnitude = std::nullopt;
};

/// W + scale · M.
struct Addition {
  MatrixRange matrix;
  double scale = 1;
};

/// Row rows[i] of W becomes row i of the source.
struct RowReplacement {
  MatrixRange source;
  std::vector<std::uint64_t> rows;
};

using MergeChange = std::variant<LoraDelta, Addition, RowReplacement>;

enum class Rounding { PeftDefault, PeftSafe, Once };

struct MergePiece {
  MatrixRange base;
  FloatDtype dtype = FloatDtype::F32;
  /// Applied in this order.
  std::vector<MergeChange> changes;
  Rounding rounding = Rounding::PeftDefault;
  /// Rows appended at the end, each the mean of all finished rows.
  std::uint64_t meanRows = 0;
};

}  // namespace enginewright
