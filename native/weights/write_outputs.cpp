#include "weights/write_outputs.hpp"

#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "quantizing/stream_quantized.hpp"
#include "weights/crc32.hpp"
#include "weights/input_file.hpp"
#include "weights/merge.hpp"
#include "weights/output_file.hpp"
#include "weights/plan_check.hpp"
#include "weights/progress.hpp"
#include "weights/tensor_stream.hpp"

namespace enginewright {

namespace {

using OutputFiles = std::vector<std::unique_ptr<OutputFile>>;

struct Writing {
  InputFiles& inputs;
  ProgressMeter& meter;
  EventWriter& events;
};

void streamPiece(const Piece& piece, const Writing& writing, const ByteSink& sink) {
  InputFiles& inputs = writing.inputs;
  if (const auto* literal = std::get_if<BytesPiece>(&piece.content)) {
    sink(literal->bytes.data(), literal->bytes.size());
  } else if (const auto* view = std::get_if<TensorView>(&piece.content)) {
    streamTensor(*view, inputs.open(view->file), sink);
  } else if (const auto* merge = std::get_if<MergePiece>(&piece.content)) {
    streamMerge(*merge, piece.name, inputs, sink);
  } else if (const auto* quantize = std::get_if<QuantizePiece>(&piece.content)) {
    streamQuantized(*quantize, piece.name, inputs, sink,
                    [&](const QuantizationError& error) { writing.events.quantized(piece.name, error); });
  } else {
    streamPacked(std::get<PackPiece>(piece.content), inputs, sink);
  }
}

/// Returns the CRC-32 of the piece; 0 where the plan asks for none.
std::uint32_t appendPiece(const Piece& piece, OutputFile& output, Writing& writing) {
  const bool checked = !piece.crc32At.empty();
  Crc32 crc32;
  streamPiece(piece, writing, [&](const std::uint8_t* bytes, std::size_t count) {
    if (checked) crc32.update(bytes, count);
    output.append(bytes, count);
    writing.meter.advance(count, piece.name);
  });
  return checked ? crc32.value() : 0;
}

std::unique_ptr<OutputFile> writeOutput(const OutputPlan& plan, const std::string& nonce, Writing& writing) {
  bool patched = false;
  for (const Piece& piece : plan.pieces) patched = patched || !piece.crc32At.empty();
  auto output = std::make_unique<OutputFile>(plan.path, nonce, plan.bytes, patched);

  std::vector<std::pair<std::uint64_t, std::uint32_t>> patches;
  for (const Piece& piece : plan.pieces) {
    const std::uint32_t crc32 = appendPiece(piece, *output, writing);
    for (const std::uint64_t offset : piece.crc32At) patches.emplace_back(offset, crc32);
  }
  for (const auto& [offset, crc32] : patches) output->patch(offset, crc32);
  output->finish();
  return output;
}

void publishAll(const OutputFiles& outputs) {
  const SignalsHeldBack heldBack;
  std::set<std::string> folders;
  std::size_t published = 0;
  try {
    for (; published < outputs.size(); ++published) {
      outputs[published]->publish();
      folders.insert(folderOf(outputs[published]->path()));
    }
    for (const std::string& folder : folders) syncFolder(folder);
  } catch (...) {
    for (std::size_t i = 0; i < published; ++i) outputs[i]->withdraw();
    throw;
  }
}

}  // namespace

void writeOutputs(const WeightsPlan& plan, const std::string& nonce, EventWriter& events) {
  InputFiles inputs;
  checkPlan(plan, inputs);
  std::uint64_t totalBytes = 0;
  for (const OutputPlan& output : plan.outputs) totalBytes += output.bytes;

  ProgressMeter meter(events, totalBytes);
  Writing writing{inputs, meter, events};
  OutputFiles outputs;
  for (const OutputPlan& output : plan.outputs) outputs.push_back(writeOutput(output, nonce, writing));
  publishAll(outputs);
  for (const auto& output : outputs) events.output(output->path(), output->bytes(), output->sha256());
}

}  // namespace enginewright
