#include "merging/piece_check.hpp"

#include <set>

#include "weights/failure.hpp"

namespace enginewright {

namespace {

std::string shapeOf(std::uint64_t rows, std::uint64_t columns) {
  return std::to_string(rows) + " × " + std::to_string(columns);
}

std::string shapeOf(const MatrixRange& matrix) { return shapeOf(matrix.rows, matrix.columns); }

class PieceCheck {
 public:
  PieceCheck(const MatrixRange& base, const std::string& name) : base_(base), name_(name) {}

  void operator()(const LoraDelta& delta) const {
    const std::uint64_t rows = delta.transpose ? base_.columns : base_.rows;
    const std::uint64_t columns = delta.transpose ? base_.rows : base_.columns;
    if (delta.b.rows != rows || delta.b.columns != delta.a.rows || delta.a.columns != columns) {
      refuse("B is " + shapeOf(delta.b) + " and A is " + shapeOf(delta.a) +
             (delta.transpose ? " (transposed)" : ""));
    }
    if (delta.magnitude && (delta.magnitude->rows != 1 || delta.magnitude->columns != rows)) {
      refuse("the magnitude is " + shapeOf(*delta.magnitude) + " and not " + shapeOf(1, rows));
    }
  }

  void operator()(const Addition& addition) const {
    if (addition.matrix.rows != base_.rows || addition.matrix.columns != base_.columns) {
      refuse(shapeOf(addition.matrix) + " is to be added");
    }
  }

  void operator()(const RowReplacement& replacement) const {
    const std::set<std::uint64_t> rows(replacement.rows.begin(), replacement.rows.end());
    const bool fits = replacement.source.columns == base_.columns &&
                      replacement.source.rows == replacement.rows.size() &&
                      rows.size() == replacement.rows.size();
    if (!fits || (!rows.empty() && *rows.rbegin() >= base_.rows)) {
      refuse(std::to_string(rows.size()) + " different rows are to be taken from " +
             shapeOf(replacement.source));
    }
  }

 private:
  [[noreturn]] void refuse(const std::string& problem) const {
    throw Failure(
        FailureName::PlanInvalid,
        (name_.empty() ? "a piece" : "\"" + name_ + "\"") + " has a base of " + shapeOf(base_) + ", but " + problem,
        name_);
  }

  const MatrixRange& base_;
  const std::string& name_;
};

}  // namespace

void checkMergePiece(const MergePiece& piece, const std::string& name) {
  for (const MergeChange& change : piece.changes) std::visit(PieceCheck(piece.base, name), change);
  if (piece.meanRows > 0 && piece.base.rows == 0) {
    throw Failure(FailureName::PlanInvalid, "\"" + name + "\" has no rows to take the mean of", name);
  }
}

std::vector<MatrixRange> matricesOf(const MergePiece& piece) {
  std::vector<MatrixRange> matrices{piece.base};
  for (const MergeChange& change : piece.changes) {
    if (const auto* delta = std::get_if<LoraDelta>(&change)) {
      matrices.push_back(delta->a);
      matrices.push_back(delta->b);
      if (delta->magnitude) matrices.push_back(*delta->magnitude);
    } else if (const auto* addition = std::get_if<Addition>(&change)) {
      matrices.push_back(addition->matrix);
    } else {
      matrices.push_back(std::get<RowReplacement>(change).source);
    }
  }
  return matrices;
}

}  // namespace enginewright
