#include "quantizing/matrix_quantizer.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "check.hpp"
#include "quantizing/stream_quantized.hpp"
#include "scratch_folder.hpp"

using namespace enginewright;

namespace {

const std::string name = "model.w";

/// One matrix of F32 in a file of its own.
class Matrix {
 public:
  Matrix(std::uint64_t rows, std::uint64_t columns, float value) : values_(rows * columns, value) {
    test::Bytes bytes(values_.size() * sizeof(float));
    std::memcpy(bytes.data(), values_.data(), bytes.size());
    piece_.matrix = {folder_.write("w", bytes), 0, FloatDtype::F32, rows, columns, columns, 1};
  }

  QuantizePiece& piece() { return piece_; }

  /// The bytes of one part, and the name of the failure instead where there is one.
  std::string stream(QuantizedPart part) {
    piece_.part = part;
    bytes_.clear();
    return test::failureOf([&] {
      InputFiles inputs;
      streamQuantized(
          piece_, name, inputs,
          [&](const std::uint8_t* bytes, std::size_t count) { bytes_.insert(bytes_.end(), bytes, bytes + count); },
          [](const QuantizationError& error) { CHECK(isFinite(error)); });
    });
  }

  [[nodiscard]] const test::Bytes& bytes() const { return bytes_; }

 private:
  test::ScratchFolder folder_;
  std::vector<float> values_;
  QuantizePiece piece_;
  test::Bytes bytes_;
};

std::string verdictOn(Matrix& matrix) {
  const std::string verdict = matrix.stream(QuantizedPart::Codes);
  CHECK(matrix.stream(QuantizedPart::Scales) == verdict);
  return verdict;
}

void checkIntegers() {
  for (const Convention convention : {Convention::Full, Convention::Restricted, Convention::Centred}) {
    for (const bool symmetric : {true, false}) {
      Matrix matrix(2, 32, 2e6F);
      Grid& grid = matrix.piece().grid;
      grid.bits = 4;
      grid.symmetric = symmetric;
      grid.convention = convention;
      CHECK(verdictOn(matrix).empty());
      matrix.piece().scaleDtype = FloatDtype::F16;
      CHECK(verdictOn(matrix) == "MergeNotFinite");
      matrix.piece().scaleDtype = FloatDtype::BF16;
      CHECK(verdictOn(matrix).empty());
    }
  }
}

void checkFp8() {
  for (const std::uint64_t groupRows : {0U, 1U, 2U}) {
    Matrix matrix(3, 32, -3e8F);
    matrix.piece().grid.kind = GridKind::Fp8;
    matrix.piece().grid.groupRows = groupRows;
    CHECK(verdictOn(matrix).empty());
    matrix.piece().scaleDtype = FloatDtype::F16;
    CHECK(verdictOn(matrix) == "MergeNotFinite");
  }
}

/// Numbers at both ends of the range: a tensor's scale is finite for all of them.
void checkNvfp4() {
  for (const float value : {0.0F, 1e-45F, 1e-38F, 7e-36F, 1e-35F, 1.0F, 1e30F, 1e38F}) {
    Matrix matrix(2, 32, value);
    matrix.piece().grid.kind = GridKind::Nvfp4;
    matrix.piece().grid.bits = 4;
    matrix.piece().grid.group = 16;
    matrix.piece().layout = CodeLayout::ColumnPairs;
    CHECK(verdictOn(matrix).empty());
    CHECK(matrix.stream(QuantizedPart::TensorScale).empty());
    float scale = 0;
    std::memcpy(&scale, matrix.bytes().data(), sizeof scale);
    CHECK(std::isfinite(scale) && scale > 0);
  }
}

void checkMessage() {
  Matrix matrix(2, 32, 2e6F);
  matrix.piece().grid.bits = 4;
  matrix.piece().scaleDtype = FloatDtype::F16;
  InputFiles inputs;
  try {
    streamQuantized(matrix.piece(), name, inputs, [](const std::uint8_t*, std::size_t) {}, [](const auto&) {});
    CHECK(false);
  } catch (const Failure& failure) {
    CHECK(failure.tensor() == name);
    CHECK(std::string(failure.what()).find("\"model.w\" needs a scale beyond F16 for its row 0") != std::string::npos);
  }
}

/// The largest numbers round up to a code that stands for more than a float holds: no reader gets them back.
void checkOverflow() {
  Matrix matrix(2, 32, -std::numeric_limits<float>::max());
  matrix.piece().grid.bits = 4;
  CHECK(matrix.stream(QuantizedPart::Codes) == "MergeNotFinite");
}

}  // namespace

int main() {
  checkIntegers();
  checkFp8();
  checkNvfp4();
  checkOverflow();
  checkMessage();
  return test::result();
}
