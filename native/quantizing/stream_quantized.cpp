#include "quantizing/stream_quantized.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#include "quantizing/code_layouts.hpp"
#include "quantizing/minifloats.hpp"
#include "weights/box_reader.hpp"
#include "weights/failure.hpp"
#include "weights/float_blocks.hpp"

namespace enginewright {

namespace {

constexpr std::size_t packBlockCodes = std::size_t{4} << 20U;
/// Codes of 4 bits in a word.
constexpr std::uint64_t mostPerWord = 8;

void streamCodes(const QuantizePiece& piece, const std::string& tensor, InputFiles& inputs, const ByteSink& sink,
                 const ErrorSink& onError) {
  MatrixQuantizer quantizer(piece, tensor, inputs);
  ErrorMeter meter(piece.grid);
  const float tensorScale = piece.grid.kind == GridKind::Nvfp4 ? quantizer.tensorScale() : 1;
  std::optional<AcrossPacker> across;
  if (isColumnMajor(piece.layout)) {
    across.emplace(piece.part, piece.layout, piece.grid.bits, static_cast<std::size_t>(piece.matrix.rows),
                   static_cast<std::size_t>(piece.matrix.columns));
  }
  quantizer.forEachBlock(Wanted::Codes, [&](const QuantizedRows& block) {
    meter.add(block, tensorScale);
    const CodeMatrix codes{reinterpret_cast<const std::int8_t*>(block.codes.data()), block.rows, block.columns};
    if (across) {
      across->add(codes, static_cast<std::size_t>(block.firstRow));
    } else {
      packRows(codes, piece.layout, piece.grid.bits, sink);
    }
  });
  if (across) across->write(sink);
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
  if (piece.rows == 0 || piece.columns == 0) return;
  BoxReader reader;
  std::vector<std::int8_t> codes;
  const auto pack = [&](std::uint64_t first, std::uint64_t rows, std::uint64_t columns) {
    codes.resize(static_cast<std::size_t>(rows * columns));
    std::vector<Axis> axes{{rows, piece.columns, columns}, {columns, 1, 1}};
    reader.read(file, piece.offset + first, 1, axes, reinterpret_cast<std::uint8_t*>(codes.data()));
    const CodeMatrix block{codes.data(), static_cast<std::size_t>(rows), static_cast<std::size_t>(columns)};
    if (isColumnMajor(piece.layout) || piece.part == QuantizedPart::Zeros) {
      packAcross(piece.part, block, piece.layout, piece.bits, sink);
    } else {
      packRows(block, piece.layout, piece.bits, sink);
    }
  };
  // What is written in one go: some columns of all rows, or some rows. Neither words nor pairs may be torn apart.
  const bool byColumns = isColumnMajor(piece.layout);
  const std::uint64_t length = byColumns ? piece.rows : piece.columns;
  const std::uint64_t end = byColumns ? piece.columns : piece.rows;
  const std::uint64_t most = std::max<std::uint64_t>(1, packBlockCodes / length / mostPerWord) * mostPerWord;
  for (std::uint64_t first = 0; first < end; first += most) {
    const std::uint64_t count = std::min(most, end - first);
    if (byColumns) {
      pack(first, piece.rows, count);
    } else {
      pack(first * piece.columns, count, piece.columns);
    }
  }
}

}  // namespace enginewright
