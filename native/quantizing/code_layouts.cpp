#include "quantizing/code_layouts.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

namespace enginewright {

namespace {

/// Which column of eight the nibble i of an AWQ word holds.
constexpr std::size_t awqOrder[8] = {0, 2, 4, 6, 1, 3, 5, 7};
/// Rows whose codes stay in the first cache while words of theirs are written one below the other.
constexpr std::size_t rowsTogether = 128;

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

/// Up to `32 / bits` codes that lie one behind the other, lowest bits first.
std::uint32_t packWord(const std::int8_t* codes, std::size_t count, unsigned bits) {
  if (bits == 4 && count == 8) return packEight(codes);
  std::uint32_t word = 0;
  for (std::size_t k = 0; k < count; ++k) word |= unsignedCode(codes[k], bits) << (static_cast<unsigned>(k) * bits);
  return word;
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
  // Without asking for each word how many codes it has: nearly all of a model's go through here.
  if (bits == 4) {
    for (; i + 8 <= count; i += 8) words[i / 8] = packEight(codes + i);
  }
  for (; i < count; i += n) words[i / n] = packWord(codes + i, std::min(n, count - i), bits);
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

AcrossPacker::AcrossPacker(QuantizedPart part, CodeLayout layout, unsigned bits, std::size_t rows,
                           std::size_t columns)
    : part_(part), layout_(layout), bits_(bits), rows_(rows), columns_(columns),
      words_(static_cast<std::size_t>(packedBytes(part, layout, bits, rows, columns)) / sizeof(std::uint32_t)),
      line_(columns) {}

void AcrossPacker::add(const CodeMatrix& block, std::size_t firstRow) {
  if (part_ == QuantizedPart::Codes && layout_ != CodeLayout::Awq) {
    addAlong(block, firstRow);
  } else {
    addDown(block, firstRow);
  }
}

void AcrossPacker::addAlong(const CodeMatrix& block, std::size_t firstRow) {
  const std::size_t n = 32 / bits_;
  for (std::size_t top = 0; top < block.rows; top += rowsTogether) {
    const std::size_t rows = std::min(rowsTogether, block.rows - top);
    for (std::size_t column = 0; column < columns_; column += n) {
      std::uint32_t* words = &words_[(column / n) * rows_ + firstRow + top];
      const std::int8_t* codes = block.codes + top * columns_ + column;
      const std::size_t count = std::min(n, columns_ - column);
      for (std::size_t row = 0; row < rows; ++row) words[row] = packWord(codes + row * columns_, count, bits_);
    }
  }
}

void AcrossPacker::addDown(const CodeMatrix& block, std::size_t firstRow) {
  const std::size_t n = 32 / bits_;
  const std::uint32_t mask = (1U << bits_) - 1;
  const WordLayout places{part_, layout_, bits_, rows_, columns_};
  // Adding to a code modulo its bits: half the range makes it unsigned, GPTQ's first version takes 1 away.
  const std::uint32_t offset = (1U << (bits_ - 1)) - places.shiftOf();
  const std::size_t step = isColumnMajor(layout_) ? rows_ / n : 1;
  for (std::size_t row = 0; row < block.rows;) {
    const std::size_t word = (firstRow + row) / n;
    std::fill(line_.begin(), line_.end(), 0);
    for (; row < block.rows && (firstRow + row) / n == word; ++row) {
      const std::int8_t* codes = block.codes + row * columns_;
      const unsigned shift = places.placeOf(firstRow + row, 0).shift;
      for (std::size_t column = 0; column < columns_; ++column) {
        line_[column] |= ((static_cast<std::uint32_t>(codes[column]) + offset) & mask) << shift;
      }
    }
    std::uint32_t* words = &words_[isColumnMajor(layout_) ? word : word * columns_];
    for (std::size_t column = 0; column < columns_; ++column) words[column * step] |= line_[column];
  }
}

void AcrossPacker::write(const ByteSink& sink) const {
  sink(reinterpret_cast<const std::uint8_t*>(words_.data()), words_.size() * sizeof(std::uint32_t));
}

void packAcross(QuantizedPart part, const CodeMatrix& matrix, CodeLayout layout, unsigned bits,
                const ByteSink& sink) {
  if (layout == CodeLayout::Bytes) {
    packRows(matrix, layout, bits, sink);
    return;
  }
  AcrossPacker packer(part, layout, bits, matrix.rows, matrix.columns);
  packer.add(matrix, 0);
  packer.write(sink);
}

}  // namespace enginewright
