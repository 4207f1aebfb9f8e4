#include "weights/write_outputs.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "merging/merge.hpp"
#include "quantizing/stream_quantized.hpp"
#include "weights/growing_output.hpp"
#include "weights/in_parallel.hpp"
#include "weights/input_checks.hpp"
#include "weights/input_file.hpp"
#include "weights/piece_sink.hpp"
#include "weights/plan_check.hpp"
#include "weights/progress.hpp"
#include "weights/tensor_stream.hpp"

namespace enginewright {

namespace {

constexpr std::size_t noPiece = SIZE_MAX;
/// Outputs that are begun and not yet synced; each has a thread that follows it.
constexpr std::size_t mostUnfinished = 3;

/// One piece of one output; an output without pieces has one step with none, because it is created all the same.
struct Step {
  std::size_t output;
  std::size_t piece;
};

std::vector<Step> stepsOf(const WeightsPlan& plan) {
  std::vector<Step> steps;
  for (std::size_t output = 0; output < plan.outputs.size(); ++output) {
    const std::size_t pieces = plan.outputs[output].pieces.size();
    if (pieces == 0) steps.push_back({output, noPiece});
    for (std::size_t piece = 0; piece < pieces; ++piece) steps.push_back({output, piece});
  }
  return steps;
}

std::uint64_t totalBytesOf(const WeightsPlan& plan) {
  std::uint64_t bytes = 0;
  for (const OutputPlan& output : plan.outputs) bytes += output.bytes;
  return bytes;
}

class Writing {
 public:
  Writing(const WeightsPlan& plan, const std::string& nonce, EventWriter& events)
      : plan_(plan), nonce_(nonce), steps_(stepsOf(plan)), errors_(steps_.size()), outputs_(plan.outputs.size()) {
    checkPlan(plan, inputs_);
    assignChecks();
    meter_ = std::make_unique<ProgressMeter>(events, totalBytesOf(plan));
  }

  void run(unsigned threads) {
    const auto begin = [this](std::size_t index) { open(steps_[index].output); };
    inParallel(steps_.size(), threads, {begin, [this](std::size_t index) { take(index); }});
    const auto check = [this](std::size_t index) { checkInput(*unread_[index], inputs_); };
    inParallel(unread_.size(), threads, {[](std::size_t) {}, check});
    for (const auto& output : outputs_) output->wait();
  }

  void publish() {
    const SignalsHeldBack heldBack;
    std::set<std::string> folders;
    std::size_t published = 0;
    try {
      for (; published < outputs_.size(); ++published) {
        outputs_[published]->file().publish();
        folders.insert(folderOf(outputs_[published]->file().path()));
      }
      for (const std::string& folder : folders) syncFolder(folder);
    } catch (...) {
      for (std::size_t i = 0; i < published; ++i) outputs_[i]->file().withdraw();
      throw;
    }
  }

  void report(EventWriter& events) const {
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      if (errors_[i]) events.quantized(pieceOf(steps_[i]).name, *errors_[i]);
    }
    for (const auto& output : outputs_) events.output(output->file().path(), output->file().bytes(), output->sha256());
  }

 private:
  [[nodiscard]] const Piece& pieceOf(const Step& step) const { return plan_.outputs[step.output].pieces[step.piece]; }

  void assignChecks() {
    InputChecks checks(plan_.checks);
    for (const Step& step : steps_) {
      if (step.piece == noPiece) {
        checks_.emplace_back();
        continue;
      }
      const Piece& piece = pieceOf(step);
      checks_.push_back(checks.assign(viewsOf(piece), std::holds_alternative<TensorView>(piece.content)));
    }
    unread_ = checks.rest();
  }

  /// Outputs are begun in order, and never many at once: whoever begins one waits for older ones, and all of those
  /// ones' pieces were begun before.
  void open(std::size_t index) {
    if (outputs_[index]) return;
    if (index >= mostUnfinished) outputs_[index - mostUnfinished]->wait();
    outputs_[index] = std::make_unique<GrowingOutput>(plan_.outputs[index], nonce_);
  }

  void take(std::size_t index) {
    const Step& step = steps_[index];
    if (step.piece == noPiece) return;
    GrowingOutput& output = *outputs_[step.output];
    try {
      const Piece& piece = pieceOf(step);
      const InputChecks::OfStep& checks = checks_[index];
      for (const InputCheck* check : checks.before) checkInput(*check, inputs_);
      Crc32 sum;
      PieceSink sink(output, step.piece, !piece.crc32At.empty());
      stream(index, piece, [&](const std::uint8_t* bytes, std::size_t count) {
        if (checks.passing != nullptr) sum.update(bytes, count);
        sink.take(bytes, count);
        meter_->advance(count, piece.name);
      });
      if (checks.passing != nullptr) requireSum(*checks.passing, sum);
      sink.complete();
    } catch (...) {
      output.abandon();
      throw;
    }
  }

  void stream(std::size_t index, const Piece& piece, const ByteSink& sink) {
    if (const auto* literal = std::get_if<BytesPiece>(&piece.content)) {
      sink(literal->bytes.data(), literal->bytes.size());
    } else if (const auto* view = std::get_if<TensorView>(&piece.content)) {
      streamTensor(*view, inputs_.open(view->file), sink);
    } else if (const auto* merge = std::get_if<MergePiece>(&piece.content)) {
      streamMerge(*merge, piece.name, inputs_, sink);
    } else if (const auto* quantize = std::get_if<QuantizePiece>(&piece.content)) {
      streamQuantized(*quantize, piece.name, inputs_, sink,
                      [&](const QuantizationError& error) { errors_[index] = error; });
    } else {
      streamPacked(std::get<PackPiece>(piece.content), inputs_, sink);
    }
  }

  const WeightsPlan& plan_;
  const std::string& nonce_;
  InputFiles inputs_;
  std::unique_ptr<ProgressMeter> meter_;
  std::vector<Step> steps_;
  /// Of each step; only the thread that takes it touches it.
  std::vector<std::optional<QuantizationError>> errors_;
  std::vector<std::unique_ptr<GrowingOutput>> outputs_;
  std::vector<InputChecks::OfStep> checks_;
  /// Of ranges that no step reads from.
  std::vector<const InputCheck*> unread_;
};

}  // namespace

void writeOutputs(const WeightsPlan& plan, const std::string& nonce, EventWriter& events, unsigned threads) {
  Writing writing(plan, nonce, events);
  writing.run(threads);
  writing.publish();
  writing.report(events);
}

}  // namespace enginewright
