#include "weights/plan_reader.hpp"

#include <utility>

#include "merging/piece_reader.hpp"
#include "quantizing/piece_reader.hpp"
#include "weights/base64.hpp"
#include "weights/plan_node.hpp"

namespace enginewright {

namespace {

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
    piece.content = mergePieceOf(node);
  } else if (kind == "quantize") {
    piece.content = quantizePieceOf(node);
  } else if (kind == "pack") {
    piece.content = packPieceOf(node);
  } else {
    node.at("kind").refuse("bytes, range, gather, merge, quantize or pack");
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

InputCheck checkOf(const Node& node) {
  node.allowOnly({"file", "offset", "bytes", "crc32", "name"});
  const std::uint64_t crc32 = node.at("crc32").count();
  if (crc32 > UINT32_MAX) node.at("crc32").refuse("a number of 32 bits");
  return {node.at("file").absolutePath(), node.at("offset").count(), node.at("bytes").count(),
          static_cast<std::uint32_t>(crc32), node.at("name").text()};
}

std::vector<InputCheck> checksOf(const Node& root) {
  std::vector<InputCheck> checks;
  if (!root.has("checks")) return checks;
  for (const Node& check : root.at("checks").list()) checks.push_back(checkOf(check));
  return checks;
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
  root.allowOnly({"version", "outputs", "checks"});
  requireVersion(root);

  WeightsPlan plan;
  for (const Node& output : root.at("outputs").list()) plan.outputs.push_back(outputOf(output));
  plan.checks = checksOf(root);
  return plan;
}

DigestPlan parseDigestPlan(const std::string& text) {
  const json document = documentOf(text);
  const Node root(document, "");
  root.allowOnly({"version", "inputs", "checks"});
  requireVersion(root);

  DigestPlan plan;
  for (const Node& input : root.at("inputs").list()) {
    const std::string& kind = input.at("kind").text();
    if (kind != "range" && kind != "gather") input.at("kind").refuse("range or gather");
    plan.inputs.push_back({input.at("name").text(), kind == "range" ? rangeOf(input) : gatherOf(input)});
  }
  plan.checks = checksOf(root);
  return plan;
}

}  // namespace enginewright
