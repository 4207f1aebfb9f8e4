#include "quantizing/piece_reader.hpp"

#include <iterator>
#include <string>
#include <utility>

namespace enginewright {

namespace {

template <typename T, std::size_t N>
T choose(const Node& node, const std::pair<const char*, T> (&choices)[N]) {
  std::string expected;
  for (const auto& [text, value] : choices) {
    if (node.text() == text) return value;
    expected += (expected.empty() ? "" : ", ") + std::string(text);
  }
  node.refuse("one of " + expected);
}

QuantizedPart partOf(const Node& node) {
  return choose<QuantizedPart>(node, {{"codes", QuantizedPart::Codes},
                                      {"scales", QuantizedPart::Scales},
                                      {"zeros", QuantizedPart::Zeros},
                                      {"tensor-scale", QuantizedPart::TensorScale}});
}

CodeLayout layoutOf(const Node& node) {
  return choose<CodeLayout>(node, {{"bytes", CodeLayout::Bytes},
                                   {"packed-in", CodeLayout::PackedIn},
                                   {"gptq-v1", CodeLayout::GptqV1},
                                   {"gptq-v2", CodeLayout::GptqV2},
                                   {"awq", CodeLayout::Awq},
                                   {"column-pairs", CodeLayout::ColumnPairs}});
}

unsigned bitsOf(const Node& node) {
  const std::uint64_t bits = node.count();
  if (bits != 4 && bits != 8) node.refuse("4 or 8");
  return static_cast<unsigned>(bits);
}

/// null is 0: all of them. Beyond any matrix's size sums with these would wrap around.
std::uint64_t countOrAll(const Node& node) {
  constexpr std::uint64_t most = std::uint64_t{1} << 31U;
  if (node.isNull()) return 0;
  const std::uint64_t count = node.count();
  if (count == 0 || count > most) node.refuse("a number from 1 to " + std::to_string(most) + ", or null for all");
  return count;
}

Grid integerGridOf(const Node& node) {
  node.allowOnly({"kind", "bits", "group", "symmetric", "convention"});
  Grid grid;
  grid.bits = bitsOf(node.at("bits"));
  grid.group = countOrAll(node.at("group"));
  grid.symmetric = node.at("symmetric").truth();
  grid.convention = choose<Convention>(node.at("convention"), {{"full", Convention::Full},
                                                               {"restricted", Convention::Restricted},
                                                               {"centred", Convention::Centred}});
  return grid;
}

Grid fp8GridOf(const Node& node) {
  node.allowOnly({"kind", "block"});
  const std::vector<Node> block = node.at("block").list();
  if (block.size() != 2) node.at("block").refuse("two numbers");
  Grid grid;
  grid.kind = GridKind::Fp8;
  grid.groupRows = countOrAll(block[0]);
  grid.group = countOrAll(block[1]);
  return grid;
}

[[noreturn]] void refuse(const std::string& name, const std::string& problem) {
  throw Failure(FailureName::PlanInvalid, "the quantized piece \"" + name + "\" " + problem, name);
}

void refuseEmpty(const MatrixRange& matrix, const std::string& name) {
  if (matrix.rows == 0 || matrix.columns == 0) refuse(name, "has no values");
}

/// Pairs are of codes that have no zeros.
void refuseZeros(QuantizedPart part, CodeLayout layout, const std::string& name) {
  if (part == QuantizedPart::Zeros && layout == CodeLayout::ColumnPairs) refuse(name, "has no zeros in column-pairs");
}

void checkLayout(CodeLayout layout, unsigned bits, std::uint64_t rows, std::uint64_t columns,
                 const std::string& name) {
  const std::uint64_t n = 32 / bits;
  if (layout == CodeLayout::Awq && bits != 4) refuse(name, "needs 4 bits");
  if (layout == CodeLayout::Awq && rows % 8 != 0) refuse(name, "needs a multiple of 8 rows");
  if (layout == CodeLayout::ColumnPairs && columns % 2 != 0) refuse(name, "needs pairs");
  const bool isGptq = layout == CodeLayout::GptqV1 || layout == CodeLayout::GptqV2;
  if (isGptq && (columns % n != 0 || rows % n != 0)) refuse(name, "needs whole words");
}

}  // namespace

Grid gridOf(const Node& node) {
  const std::string& kind = node.at("kind").text();
  if (kind == "integer") return integerGridOf(node);
  if (kind == "fp8") return fp8GridOf(node);
  if (kind != "nvfp4") node.at("kind").refuse("integer, fp8 or nvfp4");
  node.allowOnly({"kind"});
  Grid grid;
  grid.kind = GridKind::Nvfp4;
  grid.bits = 4;
  grid.group = 16;
  return grid;
}

FloatDtype scaleDtypeOf(const Node& node) {
  const FloatDtype dtype = dtypeOf(node);
  if (dtype == FloatDtype::F64) node.refuse("F32, F16 or BF16");
  return dtype;
}

QuantizePiece quantizePieceOf(const Node& node) {
  node.allowOnly({"kind", "part", "matrix", "grid", "layout", "scaleDtype", "sharesScaleWith", "crc32At", "name"});
  QuantizePiece piece;
  piece.part = partOf(node.at("part"));
  piece.matrix = matrixOf(node.at("matrix"));
  piece.grid = gridOf(node.at("grid"));
  piece.layout = layoutOf(node.at("layout"));
  piece.scaleDtype = scaleDtypeOf(node.at("scaleDtype"));
  if (node.has("sharesScaleWith")) {
    for (const Node& other : node.at("sharesScaleWith").list()) piece.sharesScaleWith.push_back(matrixOf(other));
  }
  return piece;
}

PackPiece packPieceOf(const Node& node) {
  node.allowOnly({"kind", "part", "codes", "bits", "layout", "crc32At", "name"});
  PackPiece piece;
  piece.part = partOf(node.at("part"));
  if (piece.part != QuantizedPart::Codes && piece.part != QuantizedPart::Zeros) {
    node.at("part").refuse("codes or zeros");
  }
  const Node codes = node.at("codes");
  codes.allowOnly({"file", "offset", "rows", "columns"});
  piece.file = codes.at("file").absolutePath();
  piece.offset = codes.at("offset").count();
  piece.rows = codes.at("rows").count();
  piece.columns = codes.at("columns").count();
  piece.bits = bitsOf(node.at("bits"));
  piece.layout = layoutOf(node.at("layout"));
  return piece;
}

void checkQuantizePiece(const QuantizePiece& piece, const std::string& name) {
  const GridKind kind = piece.grid.kind;
  const auto [rows, columns] = std::pair(piece.matrix.rows, piece.matrix.columns);
  // 2^63 rows of nothing would be gone through one by one.
  refuseEmpty(piece.matrix, name);
  for (const MatrixRange& other : piece.sharesScaleWith) refuseEmpty(other, name);
  if (kind == GridKind::Nvfp4 && piece.layout != CodeLayout::ColumnPairs) refuse(name, "needs column-pairs");
  if (kind == GridKind::Fp8 && piece.layout != CodeLayout::Bytes) refuse(name, "needs the layout bytes");
  if (kind == GridKind::Integer && piece.layout == CodeLayout::ColumnPairs) refuse(name, "cannot have column-pairs");
  if (piece.part == QuantizedPart::TensorScale && kind != GridKind::Nvfp4) refuse(name, "has no scale of the tensor");
  if (piece.part == QuantizedPart::Zeros && kind != GridKind::Integer) refuse(name, "has no zeros");
  if (piece.grid.groupRows == 0 && piece.grid.group != 0) refuse(name, "shares scales over all rows in groups");
  const bool hasOneScale = kind == GridKind::Nvfp4 || piece.grid.groupRows == 0;
  if (!piece.sharesScaleWith.empty() && !hasOneScale) refuse(name, "has more scales than one to share");
  refuseZeros(piece.part, piece.layout, name);
  checkLayout(piece.layout, piece.grid.bits, rows, columns, name);
}

void checkPackPiece(const PackPiece& piece, const std::string& name) {
  if (piece.layout == CodeLayout::ColumnPairs) refuse(name, "cannot be packed in column-pairs");
  const bool isCodes = piece.part == QuantizedPart::Codes;
  refuseZeros(piece.part, piece.layout, name);
  // Zeros are packed along rows only, so their columns (the groups) may be any number.
  checkLayout(piece.layout, piece.bits, piece.rows, isCodes ? piece.columns : 32, name);
}

}  // namespace enginewright
