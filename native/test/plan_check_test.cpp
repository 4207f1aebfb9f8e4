#include "weights/plan_check.hpp"

#include "check.hpp"
#include "scratch_folder.hpp"

using namespace enginewright;

namespace {

constexpr std::uint64_t huge = std::uint64_t{1} << 62U;

std::string verdictOn(const Piece& piece, std::uint64_t bytes) {
  WeightsPlan plan;
  plan.outputs.push_back({"/o", bytes, {piece}});
  InputFiles inputs;
  return test::failureOf([&] { checkPlan(plan, inputs); });
}

std::string verdictOnPlaces(const std::vector<std::uint64_t>& ofFirst, const std::vector<std::uint64_t>& ofSecond) {
  const Piece four{BytesPiece{{1, 2, 3, 4}}, ofFirst, "first"};
  const Piece eight{BytesPiece{{1, 2, 3, 4, 5, 6, 7, 8}}, ofSecond, "second"};
  WeightsPlan plan;
  plan.outputs.push_back({"/o", 24, {four, eight, {BytesPiece{std::vector<std::uint8_t>(12)}, {}, ""}}});
  InputFiles inputs;
  return test::failureOf([&] { checkPlan(plan, inputs); });
}

/// Behind the piece, inside the output, and no byte for two.
void checkCrcPlaces() {
  CHECK(verdictOnPlaces({4, 12}, {16, 20}).empty());
  CHECK(verdictOnPlaces({3}, {}) == "PlanInvalid");
  CHECK(verdictOnPlaces({}, {11}) == "PlanInvalid");
  CHECK(verdictOnPlaces({}, {21}) == "PlanInvalid");
  CHECK(verdictOnPlaces({UINT64_MAX}, {}) == "PlanInvalid");
  CHECK(verdictOnPlaces({14}, {17}) == "PlanInvalid");
  CHECK(verdictOnPlaces({16, 16}, {}) == "PlanInvalid");
  CHECK(verdictOnPlaces({13}, {17}).empty());
}

void checkViews(const std::string& file) {
  const auto view = [&](std::uint64_t offset, std::vector<std::uint64_t> shape,
                        std::vector<std::uint64_t> strides) {
    return Piece{TensorView{file, offset, 2, std::move(shape), std::move(strides)}, {}, "w"};
  };
  CHECK(verdictOn(view(0, {50}, {1}), 100).empty());
  CHECK(verdictOn(view(2, {50}, {1}), 100) == "WeightsCorrupt");
  CHECK(verdictOn(view(0, {5, 10}, {1, 5}), 100).empty());
  CHECK(verdictOn(view(0, {5, 10}, {2, 5}), 100) == "WeightsCorrupt");
  CHECK(verdictOn(view(98, {9}, {0}), 18).empty());
  CHECK(verdictOn(view(100, {0}, {7}), 0).empty());
  CHECK(verdictOn(view(101, {0}, {7}), 0) == "WeightsCorrupt");
  CHECK(verdictOn(view(0, {50}, {1}), 99) == "PlanInvalid");
  CHECK(verdictOn(view(huge, {huge}, {1}), huge) == "PlanInvalid");
  CHECK(verdictOn(view(0, {huge, huge}, {0, 0}), 0) == "PlanInvalid");
  CHECK(verdictOn(view(0, {2, 2}, {huge, huge}), 8) == "PlanInvalid");
  CHECK(verdictOn(view(UINT64_MAX, {2}, {1}), 4) == "PlanInvalid");
  CHECK(verdictOn(view(0, {huge, 0}, {1, 1}), 0).empty());
  CHECK(verdictOn({TensorView{file + "-missing", 0, 1, {1}, {1}}, {}, ""}, 1) == "WeightsMissing");
}

void checkMerges(const std::string& file) {
  const auto matrix = [&](std::uint64_t rows, std::uint64_t columns) {
    return MatrixRange{file, 0, FloatDtype::F16, rows, columns, columns, 1};
  };
  const auto merged = [&](const LoraDelta& delta) {
    return Piece{MergePiece{matrix(4, 6), FloatDtype::F32, {delta}, Rounding::Once}, {}, "w"};
  };
  CHECK(verdictOn(merged({matrix(2, 6), matrix(4, 2), 1, false}), 96).empty());
  CHECK(verdictOn(merged({matrix(2, 4), matrix(6, 2), 1, true}), 96).empty());
  CHECK(verdictOn(merged({matrix(2, 4), matrix(6, 2), 1, false}), 96) == "PlanInvalid");
  CHECK(verdictOn(merged({matrix(3, 6), matrix(4, 2), 1, false}), 96) == "PlanInvalid");
  CHECK(verdictOn(merged({matrix(2, 6), matrix(4, 2), 1, false}), 48) == "PlanInvalid");
  MatrixRange outside = matrix(2, 6);
  outside.offset = 80;
  CHECK(verdictOn(merged({outside, matrix(4, 2), 1, false}), 96) == "WeightsCorrupt");
}

/// What is read as whole rows has to lie in its file: strides of 0 would make memory of nothing.
void checkHeldMatrices(const std::string& file) {
  const auto quantized = [&](std::uint64_t rows, std::uint64_t rowStride) {
    QuantizePiece piece;
    piece.matrix = {file, 0, FloatDtype::F16, rows, 10, rowStride, 1};
    return Piece{piece, {}, "w"};
  };
  CHECK(verdictOn(quantized(5, 10), 50).empty());
  CHECK(verdictOn(quantized(5, 0), 50).empty());
  CHECK(verdictOn(quantized(6, 0), 60) == "PlanInvalid");
  CHECK(verdictOn(quantized(huge / 1024, 0), huge / 1024 * 10) == "PlanInvalid");
  const std::uint64_t shapes[][2] = {{huge, 0}, {0, huge}, {0, 0}};
  for (const auto& [rows, columns] : shapes) {
    QuantizePiece empty;
    empty.matrix = {file, 0, FloatDtype::F16, rows, columns, columns, 1};
    CHECK(verdictOn({empty, {}, "w"}, 0) == "PlanInvalid");
  }
  Piece sharing = quantized(5, 10);
  auto& piece = std::get<QuantizePiece>(sharing.content);
  piece.grid.kind = GridKind::Fp8;
  piece.grid.groupRows = 0;
  piece.sharesScaleWith = {{file, 0, FloatDtype::F16, 6, 10, 0, 1}};
  CHECK(verdictOn(sharing, 50) == "PlanInvalid");
}

}  // namespace

int main() {
  checkCrcPlaces();
  const test::ScratchFolder folder;
  const std::string file = folder.write("input", test::Bytes(100));

  checkViews(file);
  checkMerges(file);
  checkHeldMatrices(file);

  WeightsPlan twice;
  twice.outputs = {{"/o", 0, {}}, {"/o", 0, {}}};
  InputFiles inputs;
  CHECK(test::failureOf([&] { checkPlan(twice, inputs); }) == "PlanInvalid");
  DigestPlan sameName;
  sameName.inputs = {{"t", {file, 0, 1, {1}, {1}}}, {"t", {file, 1, 1, {1}, {1}}}};
  CHECK(test::failureOf([&] { checkPlan(sameName, inputs); }) == "PlanInvalid");
  return test::result();
}
