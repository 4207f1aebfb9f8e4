#include "quantizing/stream_quantized.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "quantizing/code_layouts.hpp"
#include "quantizing/minifloats.hpp"
#include "weights/failure.hpp"
#include "weights/float_blocks.hpp"

namespace enginewright {

namespace {

constexpr std::size_t packBlockCodes = std::size_t{4} << 20U;

void streamCodes(const QuantizePiece& piece, const std::string& tensor, InputFiles& inputs, const ByteSink& sink,
                 const ErrorSink& onError) {
  MatrixQuantizer quantizer(piece, tensor, inputs);
  ErrorMeter meter(piece.grid);
  const bool isWhole = isColumnMajor(piece.layout);
  const float tensorScale = piece.grid.kind == GridKind::Nvfp4 ? quantizer.tensorScale() : 1;
  std::vector<std::int8_t> all;
  if (isWhole) all.reserve(static_cast<std::size_t>(piece.matrix.rows * piece.matrix.columns));
  quantizer.forEachBlock(Wanted::Codes, [&](const QuantizedRows& block) {
    meter.add(block, tensorScale);
    const auto* codes = reinterpret_cast<const std::int8_t*>(block.codes.data());
    if (isWhole) {
      all.insert(all.end(), codes, codes + block.codes.size());
    } else {
      packRows({codes, block.rows, block.columns}, piece.layout, piece.grid.bits, sink);
    }
  });
  if (isWhole) {
    const auto [rows, columns] = std::pair(piece.matrix.rows, piece.matrix.columns);
    packAcross(piece.part, {all.data(), rows, columns}, piece.layout, piece.grid.bits, sink);
  }
  const QuantizationError error = meter.result();
  if (!isFinite(error)) {
    throw Failure(FailureName::MergeNotFinite, "\"" + tensor + "\" has values too large to be read back", tensor);
  }
  onError(error);
}

/// The scales are small: they are gathered whole, turned where the layout wants it, and written at once.
void streamScales(const QuantizePiece& piece, const std::string& tensor, InputFiles& inputs, const ByteSink& sink) {
  MatrixQuantizer quantizer(piece, tensor, inputs);
  std::vector<double> scales;
  quantizer.forEachBlock(Wanted::Scales, [&](const QuantizedRows& block) {
    // One scale for all rows: every block brings the same.
    if (piece.grid.groupRows == 0 && block.firstRow > 0) return;
    scales.insert(scales.end(), block.scales.begin(), block.scales.end());
  });
  const auto groups = static_cast<std::size_t>(groupsOf(piece.grid, piece.matrix.columns));
  if (isColumnMajor(piece.layout)) {
    std::vector<double> turned(scales.size());
    const std::size_t rows = groups == 0 ? 0 : scales.size() / groups;
    for (std::size_t i = 0; i < scales.size(); ++i) turned[(i % groups) * rows + i / groups] = scales[i];
    scales.swap(turned);
  }
  if (piece.grid.kind == GridKind::Nvfp4) {
    std::vector<std::uint8_t> bytes(scales.size());
    for (std::size_t i = 0; i < scales.size(); ++i) bytes[i] = e4m3FromFloat(static_cast<float>(scales[i]));
    sink(bytes.data(), bytes.size());
    return;
  }
  std::vector<std::uint8_t> bytes(scales.size() * bytesOf(piece.scaleDtype));
  (void)encodeBlock(piece.scaleDtype, scales.data(), scales.size(), bytes.data());
  sink(bytes.data(), bytes.size());
}

void streamZeros(const QuantizePiece& piece, const std::string& tensor, InputFiles& inputs, const ByteSink& sink) {
  MatrixQuantizer quantizer(piece, tensor, inputs);
  std::vector<std::int8_t> zeros;
  quantizer.forEachBlock(Wanted::Scales, [&](const QuantizedRows& block) {
    for (const float zero : block.zeros) zeros.push_back(static_cast<std::int8_t>(zero));
  });
  const auto groups = static_cast<std::size_t>(groupsOf(piece.grid, piece.matrix.columns));
  packAcross(piece.part, {zeros.data(), static_cast<std::size_t>(piece.matrix.rows), groups}, piece.layout,
             piece.grid.bits, sink);
}

}  // namespace

void streamQuantized(const QuantizePiece& piece, const std::string& tensor, InputFiles& inputs,
                     const ByteSink& sink, const ErrorSink& onError) {
  if (piece.part == QuantizedPart::Codes) {
    streamCodes(piece, tensor, inputs, sink, onError);
  } else if (piece.part == QuantizedPart::Scales) {
    streamScales(piece, tensor, inputs, sink);
  } else if (piece.part == QuantizedPart::Zeros) {
    streamZeros(piece, tensor, inputs, sink);
  } else {
    const float scale = MatrixQuantizer(piece, tensor, inputs).tensorScale();
    std::uint8_t bytes[sizeof scale];
    std::memcpy(bytes, &scale, sizeof scale);
    sink(bytes, sizeof scale);
  }
}

void streamPacked(const PackPiece& piece, InputFiles& inputs, const ByteSink& sink) {
  const InputFile& file = inputs.open(piece.file);
  const auto columns = static_cast<std::size_t>(piece.columns);
  if (piece.rows == 0 || columns == 0) return;
  const bool isWhole = isColumnMajor(piece.layout) || piece.part == QuantizedPart::Zeros;
  const std::uint64_t most = isWhole ? piece.rows : std::max<std::uint64_t>(1, packBlockCodes / columns);
  std::vector<std::int8_t> codes;
  for (std::uint64_t first = 0; first < piece.rows; first += most) {
    const auto rows = static_cast<std::size_t>(std::min(most, piece.rows - first));
    codes.resize(rows * columns);
    file.readAt(piece.offset + first * columns, reinterpret_cast<std::uint8_t*>(codes.data()), codes.size());
    if (isWhole) {
      packAcross(piece.part, {codes.data(), rows, columns}, piece.layout, piece.bits, sink);
    } else {
      packRows({codes.data(), rows, columns}, piece.layout, piece.bits, sink);
    }
  }
}

}  // namespace enginewright
