// Merged matrices against a naive computation of the same formula with the reference conversions.
#include "merging/merge.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>

#include "check.hpp"
#include "scratch_folder.hpp"
#include "weights/float_blocks.hpp"
#include "merging/low_rank_delta.hpp"

using namespace enginewright;
using test::Bytes;

namespace {

/// A matrix in a file and its values as doubles, row-major.
struct Matrix {
  MatrixRange range;
  std::vector<double> values;
};

class Matrices {
 public:
  Matrix make(FloatDtype dtype, std::uint64_t rows, std::uint64_t columns, bool view = false) {
    std::normal_distribution<double> normal(0, 0.1);
    std::vector<double> stored(rows * columns);
    for (double& value : stored) value = normal(random_);
    Bytes bytes(stored.size() * bytesOf(dtype));
    CHECK(encodeBlockReference(dtype, stored.data(), stored.size(), bytes.data()));
    decodeBlockReference(dtype, bytes.data(), stored.size(), stored.data());
    bytes.insert(bytes.begin(), 3, 0xee);  // an odd offset: nothing in a file is aligned

    Matrix matrix{{folder_.write("m" + std::to_string(count_++), bytes), 3, dtype, rows, columns, columns, 1},
                  stored};
    if (!view) return matrix;
    matrix.range.rowStride = 1;
    matrix.range.columnStride = rows;
    for (std::uint64_t i = 0; i < rows; ++i) {
      for (std::uint64_t j = 0; j < columns; ++j) matrix.values[i * columns + j] = stored[j * rows + i];
    }
    return matrix;
  }

 private:
  test::ScratchFolder folder_;
  std::mt19937 random_{23};
  int count_ = 0;
};

struct Adapter {
  Matrix a;
  Matrix b;
  double scale;
  bool transpose;
};

double roundTo(FloatDtype dtype, double value) {
  std::uint8_t bytes[8];
  CHECK(encodeBlockReference(dtype, &value, 1, bytes));
  decodeBlockReference(dtype, bytes, 1, &value);
  return value;
}

double deltaAt(const Adapter& adapter, std::uint64_t row, std::uint64_t column) {
  if (adapter.transpose) std::swap(row, column);
  const std::uint64_t rank = adapter.a.range.rows;
  const std::uint64_t columns = adapter.a.range.columns;
  double sum = 0;
  for (std::uint64_t k = 0; k < rank; ++k) {
    sum += adapter.b.values[row * rank + k] * adapter.a.values[k * columns + column];
  }
  return adapter.scale * sum;
}

struct Merge {
  Matrix base;
  FloatDtype dtype;
  Rounding rounding;
  std::vector<Adapter> adapters;
};

double expectedAt(const Merge& merge, std::uint64_t row, std::uint64_t column) {
  double value = merge.base.values[row * merge.base.range.columns + column];
  double sum = 0;
  for (const Adapter& adapter : merge.adapters) {
    double delta = deltaAt(adapter, row, column);
    sum += delta;
    if (merge.rounding == Rounding::PeftSafe) delta = roundTo(merge.dtype, delta);
    if (merge.rounding != Rounding::Once) value = roundTo(merge.dtype, value + delta);
  }
  return roundTo(merge.dtype, merge.rounding == Rounding::Once ? value + sum : value);
}

Bytes expectedBytes(const Merge& merge) {
  std::vector<double> values;
  for (std::uint64_t i = 0; i < merge.base.range.rows; ++i) {
    for (std::uint64_t j = 0; j < merge.base.range.columns; ++j) values.push_back(expectedAt(merge, i, j));
  }
  Bytes bytes(values.size() * bytesOf(merge.dtype));
  CHECK(encodeBlockReference(merge.dtype, values.data(), values.size(), bytes.data()));
  return bytes;
}

/// Narrow items of these matrices fit its room and are merged in it, wide ones do not.
class CollectingSink final : public Sink {
 public:
  [[nodiscard]] Room room(std::size_t count) override { return {room_.data(), std::min(count, room_.size() - filled_)}; }
  void filled(const Room& room) override {
    bytes.insert(bytes.end(), room.bytes, room.bytes + room.count);
    filled_ = (filled_ + room.count) % room_.size();
  }

  Bytes bytes;

 private:
  Bytes room_ = Bytes(2000);
  std::size_t filled_ = 0;
};

Bytes streamed(const MergePiece& piece) {
  InputFiles inputs;
  CollectingSink sink;
  streamMerge(piece, "w", inputs, sink);
  return sink.bytes;
}

Bytes mergedBytes(const Merge& merge) {
  MergePiece piece{merge.base.range, merge.dtype, {}, merge.rounding, 0};
  for (const Adapter& adapter : merge.adapters) {
    piece.changes.push_back(LoraDelta{adapter.a.range, adapter.b.range, adapter.scale, adapter.transpose});
  }
  return streamed(piece);
}

void checkRoundingsAndDtypes(Matrices& matrices) {
  for (const FloatDtype dtype : {FloatDtype::F64, FloatDtype::F32, FloatDtype::F16, FloatDtype::BF16}) {
    for (const Rounding rounding : {Rounding::PeftDefault, Rounding::PeftSafe, Rounding::Once}) {
      for (const FloatDtype factor : {FloatDtype::F32, FloatDtype::BF16, FloatDtype::F64}) {
        const Adapter plain{matrices.make(factor, 5, 33), matrices.make(factor, 21, 5), 2.5, false};
        const Adapter turned{matrices.make(factor, 3, 21), matrices.make(factor, 33, 3), -0.75, true};
        const Adapter views{matrices.make(factor, 4, 33, true), matrices.make(factor, 21, 4, true), 1, false};
        const Merge one{matrices.make(dtype, 21, 33), dtype, rounding, {plain}};
        const Merge three{matrices.make(dtype, 21, 33, true), dtype, rounding, {plain, turned, views}};
        CHECK(mergedBytes(one) == expectedBytes(one));
        CHECK(mergedBytes(three) == expectedBytes(three));
      }
    }
  }
}

/// More values than one block holds, so that several row blocks and the last, shorter one are made.
void checkManyBlocks(Matrices& matrices) {
  const Adapter adapter{matrices.make(FloatDtype::F32, 2, 1030), matrices.make(FloatDtype::F32, 1100, 2), 0.5,
                        false};
  const Adapter turned{matrices.make(FloatDtype::F32, 2, 1100), matrices.make(FloatDtype::F32, 1030, 2), 0.5,
                       true};
  const Merge merge{
      matrices.make(FloatDtype::BF16, 1100, 1030), FloatDtype::BF16, Rounding::Once, {adapter, turned}};
  CHECK(mergedBytes(merge) == expectedBytes(merge));
}

/// A factor too large for its budget is read in parts; the sums keep their order and so their bits.
void checkSmallFactorBudget(Matrices& matrices) {
  const Adapter adapter{matrices.make(FloatDtype::F32, 7, 19), matrices.make(FloatDtype::F32, 11, 7), 1,
                        false};
  const LoraDelta delta{adapter.a.range, adapter.b.range};
  InputFiles inputs;
  LowRankDelta whole(delta, inputs);
  LowRankDelta parts(delta, inputs, 2 * 19 * sizeof(double));
  std::vector<double> wholeOut(4 * 19);
  std::vector<double> partsOut(4 * 19);
  for (const std::uint64_t first : {0U, 4U, 7U}) {
    whole.multiply(first, 4, wholeOut.data());
    parts.multiply(first, 4, partsOut.data());
    CHECK(wholeOut == partsOut);
  }
}

/// An adapter that changes nothing gives back the bytes it was given: zeros of both signs and subnormals too, whichever
/// way the piece takes. Only what keeps a dtype can keep bits.
void checkZeroChangesKeepBits() {
  constexpr std::uint64_t rows = 11;
  constexpr std::uint64_t columns = 19;
  test::ScratchFolder folder;
  for (const FloatDtype dtype : {FloatDtype::F64, FloatDtype::F32, FloatDtype::F16, FloatDtype::BF16}) {
    const std::size_t size = bytesOf(dtype);
    Bytes base(rows * columns * size, 0);
    for (std::uint64_t i = 0; i < rows * columns; ++i) {
      if (i % 2 == 0) base[i * size + size - 1] = 0x80;  // the sign
      base[i * size] = static_cast<std::uint8_t>(i % 3);  // 0, or one of the two smallest subnormals
    }
    const std::string name = textOf(dtype);
    const Matrix zeros{{folder.write(name + "-zeros", Bytes(rows * columns * 4, 0)), 0, FloatDtype::F32, rows, columns, columns, 1}, {}};
    const MatrixRange w{folder.write(name, base), 0, dtype, rows, columns, columns, 1};
    const auto factor = [&](std::uint64_t down, std::uint64_t right) {
      return MatrixRange{zeros.range.file, 0, FloatDtype::F32, down, right, right, 1};
    };
    const MergeChange kinds[] = {
        LoraDelta{factor(2, columns), factor(rows, 2), -1.5, false},
        LoraDelta{factor(2, rows), factor(columns, 2), 1.5, true},
        LoraDelta{factor(2, columns), factor(rows, 2), 1, false, true},
        Addition{zeros.range, -1},
    };
    for (const Rounding rounding : {Rounding::PeftDefault, Rounding::PeftSafe, Rounding::Once}) {
      for (const MergeChange& kind : kinds) {
        CHECK(streamed({w, dtype, {kind}, rounding, 0}) == base);
        CHECK(streamed({w, dtype, {kind, kinds[0], kinds[1]}, rounding, 0}) == base);
      }
    }
  }
}

void checkNotFinite(Matrices& matrices) {
  Merge merge{matrices.make(FloatDtype::F16, 4, 9), FloatDtype::F16, Rounding::PeftDefault, {}};
  merge.adapters.push_back(
      {matrices.make(FloatDtype::F32, 2, 9), matrices.make(FloatDtype::F32, 4, 2), 1e9, false});
  try {
    (void)mergedBytes(merge);
    CHECK(false);
  } catch (const Failure& failure) {
    CHECK(failure.name() == FailureName::MergeNotFinite);
    CHECK(failure.tensor() == "w");
    CHECK(std::strstr(failure.what(), "more than F16 can hold") != nullptr);
  }
}

void checkWithoutDeltas(Matrices& matrices) {
  const Merge cast{matrices.make(FloatDtype::F32, 6, 5), FloatDtype::F16, Rounding::PeftDefault, {}};
  CHECK(mergedBytes(cast) == expectedBytes(cast));
  const Merge empty{matrices.make(FloatDtype::F32, 0, 5), FloatDtype::F16, Rounding::Once, {}};
  CHECK(mergedBytes(empty).empty());
}

}  // namespace

int main() {
  Matrices matrices;
  checkRoundingsAndDtypes(matrices);
  checkManyBlocks(matrices);
  checkSmallFactorBudget(matrices);
  checkNotFinite(matrices);
  checkZeroChangesKeepBits();
  checkWithoutDeltas(matrices);
  return test::result();
}
