#include "quantizing/code_layouts.hpp"

#include <cstring>
#include <random>
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

std::vector<std::int8_t> randomCodes(std::size_t count, unsigned bits, std::mt19937& random) {
  std::vector<std::int8_t> codes(count);
  const int low = -(1 << (bits - 1));
  for (std::int8_t& code : codes) code = static_cast<std::int8_t>(low + static_cast<int>(random() % (1U << bits)));
  return codes;
}

/// Rows that come in blocks of any height and order, and columns that are packed some at a time, give the same words.
void checkBlocks(QuantizedPart part, CodeLayout layout, unsigned bits, std::mt19937& random) {
  const std::size_t rows = 320;  // more than are packed together
  const std::size_t columns = 48;
  const std::vector<std::int8_t> codes = randomCodes(rows * columns, bits, random);
  const std::vector<std::uint8_t> whole = pack(part, {codes.data(), rows, columns}, layout, bits);
  std::vector<std::uint8_t> found;
  const ByteSink sink = [&](const std::uint8_t* bytes, std::size_t count) {
    found.insert(found.end(), bytes, bytes + count);
  };

  AcrossPacker packer(part, layout, bits, rows, columns);
  const std::size_t ends[] = {0, 5, 16, 43, 200, rows};
  for (std::size_t i = 5; i > 0; --i) {
    packer.add({codes.data() + ends[i - 1] * columns, ends[i] - ends[i - 1], columns}, ends[i - 1]);
  }
  packer.write(sink);
  CHECK(found == whole);

  found.clear();
  for (std::size_t first = 0; first < columns; first += 16) {
    std::vector<std::int8_t> some;
    for (std::size_t row = 0; row < rows; ++row) {
      const auto from = codes.begin() + static_cast<std::ptrdiff_t>(row * columns + first);
      some.insert(some.end(), from, from + 16);
    }
    packAcross(part, {some.data(), rows, 16}, layout, bits, sink);
  }
  CHECK(!isColumnMajor(layout) || found == whole);
}

void checkRowEnd() {
  const std::int8_t codes[] = {-8, -7, 7};
  std::uint32_t word = 0;
  packRow(codes, 3, 4, &word);
  CHECK(word == 0xf10U);
}

}  // namespace

int main() {
  std::mt19937 random(11);
  for (const CodeLayout layout : {CodeLayout::GptqV1, CodeLayout::GptqV2}) {
    for (const unsigned bits : {4U, 8U}) {
      checkBlocks(QuantizedPart::Codes, layout, bits, random);
      checkBlocks(QuantizedPart::Zeros, layout, bits, random);
    }
  }
  checkBlocks(QuantizedPart::Codes, CodeLayout::Awq, 4, random);
  checkBlocks(QuantizedPart::Zeros, CodeLayout::Awq, 4, random);
  checkBlocks(QuantizedPart::Zeros, CodeLayout::PackedIn, 4, random);
  checkPlaces();
  checkPairs();
  checkRowEnd();
  return enginewright::test::result();
}
