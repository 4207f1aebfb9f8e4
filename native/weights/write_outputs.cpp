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
#include "weights/write_order.hpp"

namespace enginewright {

namespace {

std::uint64_t totalBytesOf(const WeightsPlan& plan) {
  std::uint64_t bytes = 0;
  for (const OutputPlan& output : plan.outputs) bytes += output.bytes;
  return bytes;
}

/// Of what is written and hashed at once: a disk is as fast with it as with more.
constexpr std::size_t blockBytes = std::size_t{4} << 20U;

class Writing {
 public:
  Writing(const WeightsPlan& plan, const std::string& nonce, EventWriter& events)
      : plan_(plan), nonce_(nonce), blocks_(blockBytes), outputs_(plan.outputs.size()) {
    checkPlan(plan, inputs_);
    steps_ = writeOrder(plan);
    for (const OutputPlan& output : plan.outputs) errors_.emplace_back(output.pieces.size());
    assignChecks();
    meter_ = std::make_unique<ProgressMeter>(events, totalBytesOf(plan));
  }

  void run(unsigned threads) {
    const auto begin = [this](std::size_t index) { open(steps_[index]); };
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
    for (std::size_t i = 0; i < plan_.outputs.size(); ++i) {
      for (std::size_t piece = 0; piece < errors_[i].size(); ++piece) {
        if (errors_[i][piece]) events.quantized(plan_.outputs[i].pieces[piece].name, *errors_[i][piece]);
      }
    }
    for (const auto& output : outputs_) events.output(output->file().path(), output->file().bytes(), output->sha256());
  }

 private:
  [[nodiscard]] const Piece& pieceOf(const WriteStep& step) const { return plan_.outputs[step.output].pieces[*step.piece]; }

  void assignChecks() {
    InputChecks checks(plan_.checks);
    for (const WriteStep& step : steps_) {
      if (!step.piece) {
        checks_.emplace_back();
        continue;
      }
      const Piece& piece = pieceOf(step);
      checks_.push_back(checks.assign(viewsOf(piece), std::holds_alternative<TensorView>(piece.content)));
    }
    unread_ = checks.rest();
  }

  void open(const WriteStep& step) {
    if (step.waitsFor) outputs_[*step.waitsFor]->wait();
    std::unique_ptr<GrowingOutput>& output = outputs_[step.output];
    if (!output) output = std::make_unique<GrowingOutput>(plan_.outputs[step.output], nonce_, blocks_, hashing_);
  }

  void take(std::size_t index) {
    const WriteStep& step = steps_[index];
    if (!step.piece) return;
    GrowingOutput& output = *outputs_[step.output];
    try {
      const Piece& piece = pieceOf(step);
      const InputChecks::OfStep& checks = checks_[index];
      for (const InputCheck* check : checks.before) checkInput(*check, inputs_);
      const bool wantsSum = checks.passing != nullptr || !piece.crc32At.empty();
      PieceSink sink(output, *step.piece, wantsSum, [&](std::size_t count) { meter_->advance(count, piece.name); });
      stream(step, piece, sink);
      if (checks.passing != nullptr) requireSum(*checks.passing, sink.sum());
      sink.complete();
    } catch (const OutputGivenUp&) {
      // The piece that failed tells why, or what follows the output does.
    } catch (...) {
      output.abandon();
      throw;
    }
  }

  void stream(const WriteStep& step, const Piece& piece, PieceSink& sink) {
    const ByteSink take = [&](const std::uint8_t* bytes, std::size_t count) { sink.take(bytes, count); };
    if (const auto* literal = std::get_if<BytesPiece>(&piece.content)) {
      take(literal->bytes.data(), literal->bytes.size());
    } else if (const auto* view = std::get_if<TensorView>(&piece.content)) {
      const InputFile& file = inputs_.open(view->file);
      if (const auto bytes = contiguousBytes(*view)) {
        copyRange(RangeReader(file, view->offset, *bytes), sink);
      } else {
        streamTensor(*view, file, take);
      }
    } else if (const auto* merge = std::get_if<MergePiece>(&piece.content)) {
      streamMerge(*merge, piece.name, inputs_, sink);
    } else if (const auto* quantize = std::get_if<QuantizePiece>(&piece.content)) {
      streamQuantized(*quantize, piece.name, inputs_, take,
                      [&](const QuantizationError& error) { errors_[step.output][*step.piece] = error; });
    } else {
      streamPacked(std::get<PackPiece>(piece.content), inputs_, take);
    }
  }

  /// Straight to where the bytes belong.
  static void copyRange(RangeReader range, PieceSink& sink) {
    while (const std::size_t count = range.next()) {
      const Room room = sink.room(count);
      range.read(room.bytes, room.count);
      sink.filled(room);
    }
  }

  const WeightsPlan& plan_;
  const std::string& nonce_;
  InputFiles inputs_;
  std::unique_ptr<ProgressMeter> meter_;
  std::vector<WriteStep> steps_;
  /// Of each output's pieces; only the thread that takes one touches it.
  std::vector<std::vector<std::optional<QuantizationError>>> errors_;
  BlockPool blocks_;
  PairedHashing hashing_;
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
