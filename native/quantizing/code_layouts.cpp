#include "quantizing/code_layouts.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

namespace enginewright {

namespace {

/// Which column of eight the nibble i of an AWQ word holds.
constexpr std::size_t awqOrder[8] = {0, 2, 4, 6, 1, 3, 5, 7};

std::uint32_t unsignedCode(std::int8_t code, unsigned bits) {
  return (static_cast<std::uint32_t>(static_cast<std::uint8_t>(code)) + (1U << (bits - 1))) & ((1U << bits) - 1);
}

/// Eight 4-bit codes, one a byte, to one word: flip the sign bit, then halve the distance three times.
std::uint32_t packEight(const std::int8_t* codes) {
  std::uint64_t x = 0;
  std::memcpy(&x, codes, sizeof x);
  x = (x ^ 0x0808080808080808U) & 0x0f0f0f0f0f0f0f0fU;
  x = (x | (x >> 4U)) & 0x00ff00ff00ff00ffU;
  x = (x | (x >> 8U)) & 0x0000ffff0000ffffU;
  return static_cast<std::uint32_t>(x | (x >> 16U));
}

/// Where a code lies in a layout: which word, and how far from its lowest bit.
struct Place {
  std::size_t word;
  unsigned shift;
};

/// For layouts of 32-bit words that run across rows or, for zeros, along the rows of the matrix they belong to.
struct WordLayout {
  QuantizedPart part;
  CodeLayout layout;
  unsigned bits;
  std::size_t rows;
  std::size_t columns;

  [[nodiscard]] std::size_t perWord() const { return 32 / bits; }

  [[nodiscard]] Place placeOf(std::size_t row, std::size_t column) const {
    const std::size_t n = perWord();
    if (layout == CodeLayout::Awq) {
      // I32 [columns, rows / 8]: nibble i of a word is row 8 c + awqOrder[i].
      const std::size_t* found = std::find(awqOrder, awqOrder + 8, row % 8);
      return {column * (rows / 8) + row / 8, static_cast<unsigned>(found - awqOrder) * bits};
    }
    if (part == QuantizedPart::Codes && isColumnMajor(layout)) {
      return {(column / n) * rows + row, static_cast<unsigned>(column % n) * bits};
    }
    if (isColumnMajor(layout)) {
      return {column * (rows / n) + row / n, static_cast<unsigned>(row % n) * bits};
    }
    return {(row / n) * columns + column, static_cast<unsigned>(row % n) * bits};
  }

  /// GPTQ's first version stores zero points one too small.
  [[nodiscard]] std::uint32_t shiftOf() const {
    return part == QuantizedPart::Zeros && layout == CodeLayout::GptqV1 ? 1 : 0;
  }
};

void packPairs(const CodeMatrix& matrix, const ByteSink& sink) {
  std::vector<std::uint8_t> bytes(matrix.rows * (matrix.columns / 2));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>((static_cast<unsigned>(matrix.codes[2 * i]) & 0x0fU) |
                                         ((static_cast<unsigned>(matrix.codes[2 * i + 1]) & 0x0fU) << 4U));
  }
  sink(bytes.data(), bytes.size());
}

}  // namespace

void packRow(const std::int8_t* codes, std::size_t count, unsigned bits, std::uint32_t* words) {
  const std::size_t n = 32 / bits;
  std::size_t i = 0;
  if (bits == 4) {
    for (; i + 8 <= count; i += 8) words[i / 8] = packEight(codes + i);
  }
  for (; i < count; i += n) {
    std::uint32_t word = 0;
    for (std::size_t k = 0; k < n && i + k < count; ++k) {
      word |= unsignedCode(codes[i + k], bits) << (static_cast<unsigned>(k) * bits);
    }
    words[i / n] = word;
  }
}

void packRows(const CodeMatrix& matrix, CodeLayout layout, unsigned bits, const ByteSink& sink) {
  if (layout == CodeLayout::ColumnPairs) {
    packPairs(matrix, sink);
    return;
  }
  if (layout == CodeLayout::Bytes) {
    sink(reinterpret_cast<const std::uint8_t*>(matrix.codes), matrix.rows * matrix.columns);
    return;
  }
  const std::size_t perRow = (matrix.columns * bits + 31) / 32;
  std::vector<std::uint32_t> words(matrix.rows * perRow);
  for (std::size_t row = 0; row < matrix.rows; ++row) {
    packRow(matrix.codes + row * matrix.columns, matrix.columns, bits, words.data() + row * perRow);
  }
  sink(reinterpret_cast<const std::uint8_t*>(words.data()), words.size() * sizeof(std::uint32_t));
}

void packAcross(QuantizedPart part, const CodeMatrix& matrix, CodeLayout layout, unsigned bits,
                const ByteSink& sink) {
  if (layout == CodeLayout::Bytes) {
    packRows(matrix, layout, bits, sink);
    return;
  }
  const WordLayout words{part, layout, bits, matrix.rows, matrix.columns};
  std::vector<std::uint32_t> packed(packedBytes(part, layout, bits, matrix.rows, matrix.columns) / 4);
  for (std::size_t row = 0; row < matrix.rows; ++row) {
    for (std::size_t column = 0; column < matrix.columns; ++column) {
      const Place place = words.placeOf(row, column);
      const std::uint32_t code = unsignedCode(matrix.codes[row * matrix.columns + column], bits) - words.shiftOf();
      packed[place.word] |= (code & ((1U << bits) - 1)) << place.shift;
    }
  }
  sink(reinterpret_cast<const std::uint8_t*>(packed.data()), packed.size() * sizeof(std::uint32_t));
}

}  // namespace enginewright
