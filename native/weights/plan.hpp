// The plan file after parsing: core/domain/weights-plan.ts in C++ words. All offsets and sizes are bytes.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "merging/merge_piece.hpp"
#include "quantizing/scheme.hpp"

namespace enginewright {

struct BytesPiece {
  std::vector<std::uint8_t> bytes;
};

/// A strided view of an input file. A plain range is one dimension of single bytes with stride 1.
struct TensorView {
  std::string file;
  std::uint64_t offset = 0;
  std::uint64_t itemBytes = 1;
  std::vector<std::uint64_t> shape;
  /// In items; 0 repeats.
  std::vector<std::uint64_t> strides;
};

/// A new kind of piece is one more alternative here, one parser, one check and one
/// writer.
struct Piece {
  std::variant<BytesPiece, TensorView, MergePiece, QuantizePiece, PackPiece> content;
  std::vector<std::uint64_t> crc32At;
  std::string name;
};

struct OutputPlan {
  std::string path;
  std::uint64_t bytes = 0;
  std::vector<Piece> pieces;
};

/// A stretch of an input file and the CRC-32 that its container gives for it.
struct InputCheck {
  std::string file;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  std::uint32_t crc32 = 0;
  /// What the container calls it, for messages.
  std::string name;
};

struct WeightsPlan {
  std::vector<OutputPlan> outputs;
  std::vector<InputCheck> checks;
};

struct DigestInput {
  std::string name;
  TensorView view;
};

struct DigestPlan {
  std::vector<DigestInput> inputs;
  std::vector<InputCheck> checks;
};

}  // namespace enginewright
