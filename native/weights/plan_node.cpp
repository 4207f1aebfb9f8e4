#include "weights/plan_node.hpp"

namespace enginewright {

FloatDtype dtypeOf(const Node& node) {
  const std::string& text = node.text();
  for (const FloatDtype dtype : {FloatDtype::F64, FloatDtype::F32, FloatDtype::F16, FloatDtype::BF16}) {
    if (text == textOf(dtype)) return dtype;
  }
  node.refuse("F64, F32, F16 or BF16");
}

MatrixRange matrixOf(const Node& node) {
  node.allowOnly({"file", "offset", "dtype", "rows", "columns", "strides"});
  MatrixRange matrix;
  matrix.file = node.at("file").absolutePath();
  matrix.offset = node.at("offset").count();
  matrix.dtype = dtypeOf(node.at("dtype"));
  matrix.rows = node.at("rows").count();
  matrix.columns = node.at("columns").count();
  matrix.rowStride = matrix.columns;
  if (node.has("strides")) {
    const std::vector<std::uint64_t> strides = node.at("strides").counts();
    if (strides.size() != 2) node.at("strides").refuse("two numbers");
    matrix.rowStride = strides[0];
    matrix.columnStride = strides[1];
  }
  return matrix;
}

}  // namespace enginewright
