#include "weights/plan_check.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "merging/piece_check.hpp"
#include "quantizing/piece_reader.hpp"
#include "weights/failure.hpp"

namespace enginewright {

namespace {

/// off_t, ptrdiff_t and JSON's exact integers all end at or above this.
constexpr std::uint64_t largestSize = std::uint64_t{1} << 53U;
/// torch allows 64; more is no tensor.
constexpr std::size_t mostDimensions = 64;

[[noreturn]] void refuse(const std::string& name, const std::string& problem) {
  throw Failure(FailureName::PlanInvalid, (name.empty() ? "a piece" : "\"" + name + "\"") + " " + problem,
                name);
}

std::uint64_t product(std::uint64_t left, std::uint64_t right, const std::string& name) {
  std::uint64_t result = 0;
  if (__builtin_mul_overflow(left, right, &result) || result > largestSize) refuse(name, "is too large");
  return result;
}

std::uint64_t sum(std::uint64_t left, std::uint64_t right, const std::string& name) {
  std::uint64_t result = 0;
  if (__builtin_add_overflow(left, right, &result) || result > largestSize) refuse(name, "is too large");
  return result;
}

std::uint64_t checkedBytes(const TensorView& view, const std::string& name) {
  if (view.shape.size() > mostDimensions) refuse(name, "has too many dimensions");
  for (const std::uint64_t extent : view.shape) {
    if (extent == 0) return 0;
  }
  std::uint64_t bytes = view.itemBytes;
  for (const std::uint64_t extent : view.shape) bytes = product(bytes, extent, name);
  return bytes;
}

/// The first byte after the last one the view touches.
std::uint64_t endOf(const TensorView& view, const std::string& name) {
  if (checkedBytes(view, name) == 0) return view.offset;
  std::uint64_t lastItem = 0;
  for (std::size_t i = 0; i < view.shape.size(); ++i) {
    lastItem = sum(lastItem, product(view.shape[i] - 1, view.strides[i], name), name);
  }
  const std::uint64_t span = product(sum(lastItem, 1, name), view.itemBytes, name);
  return sum(view.offset, span, name);
}

}  // namespace

TensorView viewOf(const MatrixRange& matrix) {
  return {matrix.file,
          matrix.offset,
          bytesOf(matrix.dtype),
          {matrix.rows, matrix.columns},
          {matrix.rowStride, matrix.columnStride}};
}

void checkView(const TensorView& view, const std::string& name, InputFiles& inputs) {
  const InputFile& file = inputs.open(view.file);
  const std::uint64_t end = endOf(view, name);
  if (end <= file.bytes()) return;
  throw Failure(FailureName::WeightsCorrupt,
                (name.empty() ? "a range" : "\"" + name + "\"") + " ends at byte " + std::to_string(end) +
                    " of " + view.file + ", which has " + std::to_string(file.bytes()),
                name);
}

void checkHeldMatrix(const MatrixRange& matrix, const std::string& name, InputFiles& inputs) {
  const TensorView view = viewOf(matrix);
  checkView(view, name, inputs);
  if (checkedBytes(view, name) > inputs.open(matrix.file).bytes()) refuse(name, "has more values than its file");
}

namespace {

void checkPiece(const Piece& piece, InputFiles& inputs) {
  if (const auto* merge = std::get_if<MergePiece>(&piece.content)) checkMergePiece(*merge, piece.name);
  for (const TensorView& view : viewsOf(piece)) checkView(view, piece.name, inputs);
  if (const auto* quantize = std::get_if<QuantizePiece>(&piece.content)) {
    checkHeldMatrix(quantize->matrix, piece.name, inputs);
    for (const MatrixRange& other : quantize->sharesScaleWith) checkHeldMatrix(other, piece.name, inputs);
    checkQuantizePiece(*quantize, piece.name);
  }
  if (const auto* pack = std::get_if<PackPiece>(&piece.content)) checkPackPiece(*pack, piece.name);
}

/// A place behind the piece: what lies before it leaves for the disk earlier.
void checkCrcPlaces(const Piece& piece, std::uint64_t end, std::uint64_t outputBytes) {
  for (const std::uint64_t offset : piece.crc32At) {
    if (offset < end) refuse(piece.name, "has a crc32At before its end");
    if (offset > outputBytes || outputBytes - offset < sizeof(std::uint32_t)) {
      refuse(piece.name, "has a crc32At outside its output");
    }
  }
}

void refuseSharedCrcPlaces(const OutputPlan& output) {
  std::vector<std::uint64_t> places;
  for (const Piece& piece : output.pieces) places.insert(places.end(), piece.crc32At.begin(), piece.crc32At.end());
  std::sort(places.begin(), places.end());
  const auto overlapping = std::adjacent_find(places.begin(), places.end(), [](std::uint64_t a, std::uint64_t b) {
    return b - a < sizeof(std::uint32_t);
  });
  if (overlapping == places.end()) return;
  throw Failure(FailureName::PlanInvalid, "two CRC-32 of " + output.path + " share byte " +
                                              std::to_string(*std::next(overlapping)));
}

void checkOutput(const OutputPlan& output, InputFiles& inputs) {
  std::uint64_t bytes = 0;
  for (const Piece& piece : output.pieces) {
    bytes = sum(bytes, bytesOf(piece), piece.name);
    checkPiece(piece, inputs);
    checkCrcPlaces(piece, bytes, output.bytes);
  }
  refuseSharedCrcPlaces(output);
  if (bytes != output.bytes) {
    throw Failure(FailureName::PlanInvalid, "the pieces of " + output.path + " give " +
                                                std::to_string(bytes) + " bytes, not the planned " +
                                                std::to_string(output.bytes));
  }
}

void checkChecks(const std::vector<InputCheck>& checks, InputFiles& inputs) {
  for (const InputCheck& check : checks) checkView({check.file, check.offset, 1, {check.bytes}, {1}}, check.name, inputs);
}

}  // namespace

std::uint64_t bytesOf(const TensorView& view) { return checkedBytes(view, ""); }

std::uint64_t bytesOf(const Piece& piece) {
  if (const auto* literal = std::get_if<BytesPiece>(&piece.content)) return literal->bytes.size();
  if (const auto* view = std::get_if<TensorView>(&piece.content)) return checkedBytes(*view, piece.name);
  if (const auto* quantize = std::get_if<QuantizePiece>(&piece.content)) {
    (void)product(quantize->matrix.rows, quantize->matrix.columns, piece.name);
    for (const MatrixRange& other : quantize->sharesScaleWith) (void)product(other.rows, other.columns, piece.name);
    return bytesOf(*quantize);
  }
  if (const auto* pack = std::get_if<PackPiece>(&piece.content)) {
    (void)product(pack->rows, pack->columns, piece.name);
    return bytesOf(*pack);
  }
  const auto& merge = std::get<MergePiece>(piece.content);
  const std::uint64_t rows = sum(merge.base.rows, merge.meanRows, piece.name);
  const std::uint64_t items = product(rows, merge.base.columns, piece.name);
  return product(items, bytesOf(merge.dtype), piece.name);
}

std::vector<TensorView> viewsOf(const Piece& piece) {
  std::vector<TensorView> views;
  if (const auto* view = std::get_if<TensorView>(&piece.content)) views.push_back(*view);
  if (const auto* merge = std::get_if<MergePiece>(&piece.content)) {
    for (const MatrixRange& matrix : matricesOf(*merge)) views.push_back(viewOf(matrix));
  }
  if (const auto* quantize = std::get_if<QuantizePiece>(&piece.content)) {
    views.push_back(viewOf(quantize->matrix));
    for (const MatrixRange& other : quantize->sharesScaleWith) views.push_back(viewOf(other));
  }
  if (const auto* pack = std::get_if<PackPiece>(&piece.content)) {
    views.push_back({pack->file, pack->offset, 1, {pack->rows, pack->columns}, {pack->columns, 1}});
  }
  return views;
}

void checkPlan(const WeightsPlan& plan, InputFiles& inputs) {
  std::set<std::string> paths;
  std::uint64_t bytes = 0;
  for (const OutputPlan& output : plan.outputs) {
    if (!paths.insert(output.path).second) {
      throw Failure(FailureName::PlanInvalid, output.path + " is planned twice");
    }
    checkOutput(output, inputs);
    bytes = sum(bytes, output.bytes, output.path);
  }
  checkChecks(plan.checks, inputs);
}

void checkPlan(const DigestPlan& plan, InputFiles& inputs) {
  std::set<std::string> names;
  std::uint64_t bytes = 0;
  for (const DigestInput& input : plan.inputs) {
    if (!names.insert(input.name).second) refuse(input.name, "is asked for twice");
    checkView(input.view, input.name, inputs);
    bytes = sum(bytes, checkedBytes(input.view, input.name), input.name);
  }
  checkChecks(plan.checks, inputs);
}

void refuseComputedPieces(const WeightsPlan& plan, Computing allowed) {
  for (const OutputPlan& output : plan.outputs) {
    for (const Piece& piece : output.pieces) {
      const bool isMerge = std::holds_alternative<MergePiece>(piece.content);
      const bool isQuantized = std::holds_alternative<QuantizePiece>(piece.content) ||
                               std::holds_alternative<PackPiece>(piece.content);
      if (isMerge && allowed == Computing::Nothing) refuse(piece.name, "is a merge piece; use the verb merge");
      if (isQuantized) refuse(piece.name, "is a quantized piece; use the verb quantize");
    }
  }
}

}  // namespace enginewright
