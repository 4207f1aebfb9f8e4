#include "quantizing/code_layouts.hpp"

#include <cstring>
#include <vector>

#include "check.hpp"

using namespace enginewright;

namespace {

std::vector<std::uint8_t> pack(QuantizedPart part, const CodeMatrix& matrix, CodeLayout layout, unsigned bits) {
  std::vector<std::uint8_t> packed;
  const ByteSink sink = [&](const std::uint8_t* bytes, std::size_t count) {
    packed.insert(packed.end(), bytes, bytes + count);
  };
  const bool isAcross = isColumnMajor(layout) || part == QuantizedPart::Zeros;
  if (isAcross) packAcross(part, matrix, layout, bits, sink);
  else packRows(matrix, layout, bits, sink);
  return packed;
}

std::uint32_t wordAt(const std::vector<std::uint8_t>& bytes, std::size_t index) {
  std::uint32_t word = 0;
  std::memcpy(&word, bytes.data() + 4 * index, sizeof word);
  return word;
}

/// Against words worked out by hand from the layouts' definitions.
void checkPlaces() {
  std::vector<std::int8_t> codes(8 * 8);
  for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<std::int8_t>(i / 8) - 8;  // row r: code r - 8
  const CodeMatrix byRow{codes.data(), 8, 8};
  CHECK(wordAt(pack(QuantizedPart::Codes, byRow, CodeLayout::PackedIn, 4), 1) == 0x11111111U);
  CHECK(wordAt(pack(QuantizedPart::Codes, byRow, CodeLayout::GptqV1, 4), 3) == 0x33333333U);
  // Nibbles of an AWQ word, lowest first: rows 0, 2, 4, 6, 1, 3, 5, 7.
  CHECK(wordAt(pack(QuantizedPart::Codes, byRow, CodeLayout::Awq, 4), 0) == 0x75316420U);
  CHECK(wordAt(pack(QuantizedPart::Zeros, byRow, CodeLayout::GptqV2, 4), 0) == 0x76543210U);
  CHECK(wordAt(pack(QuantizedPart::Zeros, byRow, CodeLayout::GptqV1, 4), 0) == 0x6543210fU);
  CHECK(wordAt(pack(QuantizedPart::Zeros, byRow, CodeLayout::PackedIn, 4), 5) == 0x76543210U);
  CHECK(wordAt(pack(QuantizedPart::Zeros, byRow, CodeLayout::Awq, 4), 7) == 0x75316420U);
  CHECK(wordAt(pack(QuantizedPart::Codes, byRow, CodeLayout::PackedIn, 8), 0) == 0x78787878U);
  CHECK(wordAt(pack(QuantizedPart::Codes, byRow, CodeLayout::GptqV2, 8), 9) == 0x79797979U);
  CHECK(wordAt(pack(QuantizedPart::Zeros, byRow, CodeLayout::GptqV2, 8), 1) == 0x7f7e7d7cU);
  CHECK(wordAt(pack(QuantizedPart::Zeros, byRow, CodeLayout::GptqV1, 8), 0) == 0x7a797877U);
  CHECK(wordAt(pack(QuantizedPart::Zeros, byRow, CodeLayout::PackedIn, 8), 8) == 0x7f7e7d7cU);
  CHECK(pack(QuantizedPart::Zeros, byRow, CodeLayout::Bytes, 8)[9] == 0xf9);
}

/// e2m1 codes: 0 to 15, the even column low.
void checkPairs() {
  std::vector<std::int8_t> codes(16);
  for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<std::int8_t>(i);
  const auto bytes = pack(QuantizedPart::Codes, {codes.data(), 2, 8}, CodeLayout::ColumnPairs, 4);
  CHECK(bytes == (std::vector<std::uint8_t>{0x10, 0x32, 0x54, 0x76, 0x98, 0xba, 0xdc, 0xfe}));
}

void checkRowEnd() {
  const std::int8_t codes[] = {-8, -7, 7};
  std::uint32_t word = 0;
  packRow(codes, 3, 4, &word);
  CHECK(word == 0xf10U);
}

}  // namespace

int main() {
  checkPlaces();
  checkPairs();
  checkRowEnd();
  return enginewright::test::result();
}
