#include "weights/plan_reader.hpp"

#include <cmath>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <utility>

#include "weights/base64.hpp"
#include "weights/failure.hpp"

namespace enginewright {

namespace {

using nlohmann::json;

/// A value and where it stands, so that every complaint can name the place.
class Node {
 public:
  Node(const json& value, std::string place) : value_(value), place_(std::move(place)) {}

  [[noreturn]] void refuse(const std::string& expected) const {
    throw Failure(FailureName::PlanInvalid, (place_.empty() ? "the plan" : place_) + " must be " + expected);
  }

  [[nodiscard]] bool has(const char* key) const { return value_.contains(key); }

  [[nodiscard]] Node at(const char* key) const {
    const auto member = value_.find(key);
    Node found(member == value_.end() ? null() : *member, place_.empty() ? key : place_ + "." + key);
    if (member == value_.end()) found.refuse("present");
    return found;
  }

  void allowOnly(std::initializer_list<const char*> keys) const {
    if (!value_.is_object()) refuse("an object");
    for (const auto& member : value_.items()) {
      bool known = false;
      for (const char* key : keys) known = known || member.key() == key;
      if (!known) refuse("without the key \"" + member.key() + "\", which this version does not know");
    }
  }

  [[nodiscard]] std::vector<Node> list() const {
    if (!value_.is_array()) refuse("a list");
    std::vector<Node> nodes;
    nodes.reserve(value_.size());
    for (const json& entry : value_)
      nodes.emplace_back(entry, place_ + "[" + std::to_string(nodes.size()) + "]");
    return nodes;
  }

  [[nodiscard]] std::uint64_t count() const {
    if (!value_.is_number_unsigned()) refuse("a whole number from 0");
    return value_.get<std::uint64_t>();
  }

  [[nodiscard]] std::vector<std::uint64_t> counts() const {
    std::vector<std::uint64_t> numbers;
    for (const Node& node : list()) numbers.push_back(node.count());
    return numbers;
  }

  [[nodiscard]] double finiteNumber() const {
    if (!value_.is_number() || !std::isfinite(value_.get<double>())) refuse("a finite number");
    return value_.get<double>();
  }

  [[nodiscard]] bool truth() const {
    if (!value_.is_boolean()) refuse("true or false");
    return value_.get<bool>();
  }

  [[nodiscard]] const std::string& text() const {
    if (!value_.is_string()) refuse("a text");
    return value_.get_ref<const std::string&>();
  }

  /// A path: no NUL, which would cut it short on its way into the system.
  [[nodiscard]] const std::string& absolutePath() const {
    const std::string& path = text();
    if (path.empty() || path.front() != '/' || path.back() == '/' || path.find('\0') != std::string::npos) {
      refuse("the absolute path of a file");
    }
    return path;
  }

 private:
  static const json& null() {
    static const json value;
    return value;
  }

  const json& value_;
  std::string place_;
};

FloatDtype dtypeOf(const Node& node) {
  const std::string& text = node.text();
  for (const FloatDtype dtype : {FloatDtype::F64, FloatDtype::F32, FloatDtype::F16, FloatDtype::BF16}) {
    if (text == textOf(dtype)) return dtype;
  }
  node.refuse("F64, F32, F16 or BF16");
}

Rounding roundingOf(const Node& node) {
  const std::string& text = node.text();
  if (text == "peft-default") return Rounding::PeftDefault;
  if (text == "peft-safe") return Rounding::PeftSafe;
  if (text == "once") return Rounding::Once;
  node.refuse("peft-default, peft-safe or once");
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

LoraDelta deltaOf(const Node& node) {
  node.allowOnly({"a", "b", "scale", "transpose"});
  LoraDelta delta;
  delta.a = matrixOf(node.at("a"));
  delta.b = matrixOf(node.at("b"));
  delta.scale = node.at("scale").finiteNumber();
  delta.transpose = node.has("transpose") && node.at("transpose").truth();
  return delta;
}

MergePiece mergeOf(const Node& node) {
  node.allowOnly({"kind", "base", "dtype", "deltas", "rounding", "crc32At", "name"});
  MergePiece merge;
  merge.base = matrixOf(node.at("base"));
  merge.dtype = dtypeOf(node.at("dtype"));
  for (const Node& delta : node.at("deltas").list()) merge.deltas.push_back(deltaOf(delta));
  merge.rounding = roundingOf(node.at("rounding"));
  return merge;
}

TensorView rangeOf(const Node& node) {
  node.allowOnly({"kind", "file", "offset", "bytes", "crc32At", "name"});
  return {node.at("file").absolutePath(), node.at("offset").count(), 1, {node.at("bytes").count()}, {1}};
}

TensorView gatherOf(const Node& node) {
  node.allowOnly({"kind", "file", "offset", "itemBytes", "shape", "strides", "crc32At", "name"});
  TensorView view{node.at("file").absolutePath(), node.at("offset").count(), node.at("itemBytes").count(),
                  node.at("shape").counts(), node.at("strides").counts()};
  const std::uint64_t item = view.itemBytes;
  if (item != 1 && item != 2 && item != 4 && item != 8 && item != 16) {
    node.at("itemBytes").refuse("1, 2, 4, 8 or 16");
  }
  if (view.strides.size() != view.shape.size()) node.at("strides").refuse("as long as shape");
  return view;
}

BytesPiece bytesOf(const Node& node) {
  node.allowOnly({"kind", "base64"});
  auto bytes = bytesFromBase64(node.at("base64").text());
  if (!bytes) node.at("base64").refuse("base64");
  return {std::move(*bytes)};
}

Piece pieceOf(const Node& node) {
  Piece piece;
  const std::string& kind = node.at("kind").text();
  if (kind == "bytes") {
    piece.content = bytesOf(node);
  } else if (kind == "range") {
    piece.content = rangeOf(node);
  } else if (kind == "gather") {
    piece.content = gatherOf(node);
  } else if (kind == "merge") {
    piece.content = mergeOf(node);
  } else {
    node.at("kind").refuse("bytes, range, gather or merge");
  }
  if (node.has("crc32At")) piece.crc32At = node.at("crc32At").counts();
  if (node.has("name")) piece.name = node.at("name").text();
  return piece;
}

OutputPlan outputOf(const Node& node) {
  node.allowOnly({"path", "bytes", "pieces"});
  OutputPlan output;
  output.path = node.at("path").absolutePath();
  output.bytes = node.at("bytes").count();
  for (const Node& piece : node.at("pieces").list()) output.pieces.push_back(pieceOf(piece));
  return output;
}

json documentOf(const std::string& text) {
  try {
    return json::parse(text);
  } catch (const json::exception& problem) {
    throw Failure(FailureName::PlanInvalid, std::string("the plan is not JSON: ") + problem.what());
  }
}

void requireVersion(const Node& root) {
  if (root.at("version").count() != 1) root.at("version").refuse("1");
}

}  // namespace

WeightsPlan parseWeightsPlan(const std::string& text) {
  const json document = documentOf(text);
  const Node root(document, "");
  root.allowOnly({"version", "outputs"});
  requireVersion(root);

  WeightsPlan plan;
  for (const Node& output : root.at("outputs").list()) plan.outputs.push_back(outputOf(output));
  return plan;
}

DigestPlan parseDigestPlan(const std::string& text) {
  const json document = documentOf(text);
  const Node root(document, "");
  root.allowOnly({"version", "inputs"});
  requireVersion(root);

  DigestPlan plan;
  for (const Node& input : root.at("inputs").list()) {
    const std::string& kind = input.at("kind").text();
    if (kind != "range" && kind != "gather") input.at("kind").refuse("range or gather");
    plan.inputs.push_back({input.at("name").text(), kind == "range" ? rangeOf(input) : gatherOf(input)});
  }
  return plan;
}

}  // namespace enginewright
