#include "weights/plan_reader.hpp"

#include "check.hpp"

using namespace enginewright;

namespace {

std::string planWith(const std::string& piece) {
  return R"({"version":1,"outputs":[{"path":"/o","bytes":4,"pieces":[)" + piece + "]}]}";
}

std::string problemOf(const std::string& text) {
  try {
    (void)parseWeightsPlan(text);
  } catch (const Failure& failure) {
    CHECK(failure.name() == FailureName::PlanInvalid);
    return failure.what();
  }
  return "";
}

bool mentions(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

const std::string range = R"({"kind":"range","file":"/a","offset":8,"bytes":4,"crc32At":[0,9],"name":"w"})";
const std::string matrix = R"({"file":"/a","offset":0,"dtype":"F16","rows":2,"columns":3})";

std::string merge(const std::string& extra) {
  return R"({"kind":"merge","base":)" + matrix + R"(,"dtype":"BF16","changes":[{"kind":"low-rank","a":)" + matrix + R"(,"b":)" +
         R"({"file":"/b","offset":1,"dtype":"F64","rows":3,"columns":2,"strides":[1,3]})" +
         R"(,"scale":0.5,"transpose":true}],"rounding":"peft-safe")" + extra + "}";
}

void checkGoodPlans() {
  const WeightsPlan plan =
      parseWeightsPlan(planWith(R"({"kind":"bytes","base64":"AQID"},)" + range + "," + merge("")));
  const std::vector<Piece>& pieces = plan.outputs.at(0).pieces;
  CHECK((std::get<BytesPiece>(pieces.at(0).content).bytes == std::vector<std::uint8_t>{1, 2, 3}));

  const auto& view = std::get<TensorView>(pieces.at(1).content);
  CHECK(view.file == "/a" && view.offset == 8 && view.itemBytes == 1 && view.shape.at(0) == 4);
  CHECK((pieces.at(1).crc32At == std::vector<std::uint64_t>{0, 9}));
  CHECK(pieces.at(1).name == "w");

  const auto& merged = std::get<MergePiece>(pieces.at(2).content);
  CHECK(merged.dtype == FloatDtype::BF16 && merged.rounding == Rounding::PeftSafe);
  CHECK(merged.base.rowStride == 3 && merged.base.columnStride == 1);
  const auto& delta = std::get<LoraDelta>(merged.changes.at(0));
  CHECK(delta.b.rowStride == 1 && delta.b.columnStride == 3);
  CHECK(delta.scale == 0.5 && delta.transpose);

  const DigestPlan digests = parseDigestPlan(
      R"({"version":1,"inputs":[{"kind":"gather","name":"t","file":"/a","offset":0,"itemBytes":2,"shape":[2,2],"strides":[1,2]}]})");
  const WeightsPlan checked = parseWeightsPlan(
      R"({"version":1,"outputs":[],"checks":[{"file":"/a","offset":8,"bytes":4,"crc32":4294967295,"name":"data/0"}]})");
  CHECK(checked.checks.at(0).offset == 8 && checked.checks.at(0).crc32 == 0xffffffffU);
  CHECK(digests.inputs.at(0).name == "t" && digests.inputs.at(0).view.strides.at(1) == 2);
}

void checkRefusals() {
  CHECK(mentions(problemOf("{"), "not JSON"));
  CHECK(mentions(problemOf("[]"), "the plan must be an object"));
  CHECK(mentions(problemOf(R"({"version":2,"outputs":[]})"), "version must be 1"));
  CHECK(mentions(problemOf(R"({"version":1})"), "outputs must be present"));
  CHECK(mentions(problemOf(R"({"version":1,"outputs":[],"more":1})"), "more"));
  CHECK(mentions(
      problemOf(R"({"version":1,"outputs":[],"checks":[{"file":"/a","offset":8,"bytes":4,"crc32":4294967296,"name":""}]})"),
      "checks[0].crc32 must be a number of 32 bits"));
  CHECK(mentions(problemOf(planWith(R"({"kind":"distil"})")), "outputs[0].pieces[0].kind"));
  CHECK(mentions(problemOf(planWith(R"({"kind":"bytes","base64":"A"})")), "base64"));
  CHECK(mentions(problemOf(planWith(R"({"kind":"bytes","base64":"","crc32At":[0]})")), "crc32At"));
  for (const char* offset : {"-1", "1.5", "1e3", "\"1\"", "18446744073709551616", "null"}) {
    const std::string piece =
        R"({"kind":"range","file":"/a","bytes":4,"offset":)" + std::string(offset) + "}";
    CHECK(mentions(problemOf(planWith(piece)), "pieces[0].offset must be a whole number"));
  }
  for (const char* file : {"a", "", "/a/", "/a\\u0000b"}) {
    const std::string piece = R"({"kind":"range","offset":0,"bytes":4,"file":")" + std::string(file) + "\"}";
    CHECK(mentions(problemOf(planWith(piece)), "absolute path"));
  }
  CHECK(mentions(problemOf(planWith(merge(R"(,"bias":1)"))), "bias"));
  const std::string gather = R"({"kind":"gather","file":"/a","offset":0,"shape":[2],)";
  CHECK(mentions(problemOf(planWith(gather + R"("strides":[1],"itemBytes":3})")), "itemBytes"));
  CHECK(mentions(problemOf(planWith(gather + R"("strides":[1,1],"itemBytes":2})")), "strides"));
  CHECK(mentions(problemOf(planWith(gather + R"("strides":[-1],"itemBytes":2})")), "strides[0]"));
  CHECK(test::failureOf([] { (void)parseDigestPlan(R"({"version":1,"inputs":[{"kind":"merge"}]})"); }) ==
        "PlanInvalid");
}

std::string quantizeOn(const std::string& grid) {
  return planWith(R"({"kind":"quantize","part":"codes","layout":"bytes","scaleDtype":"F16","matrix":)" + matrix +
                  R"(,"grid":)" + grid + "}");
}

/// Sums with a group or a block near 2^64 would wrap around to no group at all.
void checkGroups() {
  const auto integer = [](const std::string& group) {
    return quantizeOn(R"({"kind":"integer","bits":8,"symmetric":true,"convention":"full","group":)" + group + "}");
  };
  const auto fp8 = [](const std::string& block) { return quantizeOn(R"({"kind":"fp8","block":[)" + block + "]}"); };
  for (const char* good : {"1", "2147483648", "null"}) {
    CHECK(problemOf(integer(good)).empty());
    CHECK(problemOf(fp8(std::string(good) + ",128")).empty());
    CHECK(problemOf(fp8("128," + std::string(good))).empty());
  }
  for (const char* bad : {"0", "2147483649", "9223372036854775808", "18446744073709551615"}) {
    CHECK(mentions(problemOf(integer(bad)), "grid.group must be a number from 1"));
    CHECK(mentions(problemOf(fp8(std::string(bad) + ",128")), "grid.block[0] must be a number from 1"));
    CHECK(mentions(problemOf(fp8("128," + std::string(bad))), "grid.block[1] must be a number from 1"));
  }
}

}  // namespace

int main() {
  checkGoodPlans();
  checkRefusals();
  checkGroups();
  return test::result();
}
