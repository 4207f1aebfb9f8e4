// A text as a plan of copy, merge or quantize, and as a plan of digest: parsed, checked, and carried out on a small
// file. A Failure is an answer; anything else is a finding.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>

#include "fuzz/fuzz_folder.hpp"
#include "weights/digest_inputs.hpp"
#include "weights/plan_check.hpp"
#include "weights/plan_reader.hpp"
#include "weights/write_outputs.hpp"

namespace {

using namespace enginewright;

constexpr std::uint64_t mostItems = std::uint64_t{1} << 14U;

/// Points every path at the input, and tells whether the work is small enough to be done many times a second.
class Tamer {
 public:
  [[nodiscard]] bool isSmall() const { return small_; }

  void operator()(BytesPiece&) {}
  void operator()(TensorView& view) { view.file = fuzz::fuzzFolder().input(); }
  void operator()(MergePiece& piece) {
    tame(piece.base);
    limit(piece.meanRows);
    for (MergeChange& change : piece.changes) std::visit([this](auto& one) { tame(one); }, change);
  }
  void operator()(QuantizePiece& piece) {
    tame(piece.matrix);
    for (MatrixRange& other : piece.sharesScaleWith) tame(other);
  }
  void operator()(PackPiece& piece) {
    piece.file = fuzz::fuzzFolder().input();
    if (piece.rows == 0 || piece.columns == 0) return;
    limit(piece.rows);
    limit(piece.columns);
  }

  void limit(std::uint64_t size) { small_ = small_ && size <= mostItems; }

 private:
  void tame(MatrixRange& matrix) {
    matrix.file = fuzz::fuzzFolder().input();
    // Any number of empty rows or columns has to be no work at all.
    if (matrix.rows == 0 || matrix.columns == 0) return;
    limit(matrix.rows);
    limit(matrix.columns);
    if (small_) limit(matrix.rows * matrix.columns);
  }
  void tame(LoraDelta& delta) {
    tame(delta.a);
    tame(delta.b);
    if (delta.magnitude) tame(*delta.magnitude);
  }
  void tame(Addition& addition) { tame(addition.matrix); }
  void tame(RowReplacement& replacement) { tame(replacement.source); }

  bool small_ = true;
};

void tryOutputs(const std::string& text) {
  WeightsPlan plan = parseWeightsPlan(text);
  Tamer tamer;
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < plan.outputs.size(); ++i) {
    plan.outputs[i].path = fuzz::fuzzFolder().output(i);
    for (Piece& piece : plan.outputs[i].pieces) std::visit(tamer, piece.content);
  }
  for (InputCheck& check : plan.checks) check.file = fuzz::fuzzFolder().input();
  InputFiles inputs;
  checkPlan(plan, inputs);
  for (const OutputPlan& output : plan.outputs) bytes += output.bytes;
  if (!tamer.isSmall() || bytes > (1U << 16U) || plan.outputs.size() > 4) return;
  EventWriter events = fuzz::fuzzFolder().events();
  writeOutputs(plan, "fuzz", events, 1);
}

void tryDigest(const std::string& text) {
  DigestPlan plan = parseDigestPlan(text);
  std::uint64_t items = 0;
  for (DigestInput& input : plan.inputs) input.view.file = fuzz::fuzzFolder().input();
  for (InputCheck& check : plan.checks) check.file = fuzz::fuzzFolder().input();
  InputFiles inputs;
  checkPlan(plan, inputs);
  for (const DigestInput& input : plan.inputs) items += bytesOf(input.view);
  if (items > (1U << 20U)) return;
  EventWriter events = fuzz::fuzzFolder().events();
  digestInputs(plan, events, 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t count) {
  const std::string text(reinterpret_cast<const char*>(bytes), count);
  fuzz::endsProperly([&] { tryOutputs(text); });
  fuzz::fuzzFolder().tidy(4);
  fuzz::endsProperly([&] { tryDigest(text); });
  return 0;
}
