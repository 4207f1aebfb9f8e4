#include "merging/piece_reader.hpp"

#include <utility>

namespace enginewright {

namespace {

Rounding roundingOf(const Node& node) {
  const std::string& text = node.text();
  if (text == "peft-default") return Rounding::PeftDefault;
  if (text == "peft-safe") return Rounding::PeftSafe;
  if (text == "once") return Rounding::Once;
  node.refuse("peft-default, peft-safe or once");
}

bool flag(const Node& node, const char* key) { return node.has(key) && node.at(key).truth(); }

LoraDelta deltaOf(const Node& node) {
  node.allowOnly({"kind", "a", "b", "scale", "transpose", "roundsDelta", "magnitude"});
  LoraDelta delta;
  delta.a = matrixOf(node.at("a"));
  delta.b = matrixOf(node.at("b"));
  delta.scale = node.at("scale").finiteNumber();
  delta.transpose = flag(node, "transpose");
  delta.roundsDelta = flag(node, "roundsDelta");
  if (node.has("magnitude")) delta.magnitude = matrixOf(node.at("magnitude"));
  return delta;
}

Addition additionOf(const Node& node) {
  node.allowOnly({"kind", "matrix", "scale"});
  return {matrixOf(node.at("matrix")), node.at("scale").finiteNumber()};
}

RowReplacement rowsOf(const Node& node) {
  node.allowOnly({"kind", "source", "rows"});
  return {matrixOf(node.at("source")), node.at("rows").counts()};
}

MergeChange changeOf(const Node& node) {
  const std::string& kind = node.at("kind").text();
  if (kind == "low-rank") return deltaOf(node);
  if (kind == "add") return additionOf(node);
  if (kind == "rows") return rowsOf(node);
  node.at("kind").refuse("low-rank, add or rows");
}

}  // namespace

MergePiece mergePieceOf(const Node& node) {
  node.allowOnly({"kind", "base", "dtype", "changes", "rounding", "meanRows", "crc32At", "name"});
  MergePiece merge;
  merge.base = matrixOf(node.at("base"));
  merge.dtype = dtypeOf(node.at("dtype"));
  for (const Node& change : node.at("changes").list()) merge.changes.push_back(changeOf(change));
  merge.rounding = roundingOf(node.at("rounding"));
  if (node.has("meanRows")) merge.meanRows = node.at("meanRows").count();
  return merge;
}

}  // namespace enginewright
