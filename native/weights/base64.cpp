#include "weights/base64.hpp"

namespace enginewright {

namespace {

/// 0…63, or -1 for a character outside the alphabet.
int sextetOf(char character) {
  if (character >= 'A' && character <= 'Z') return character - 'A';
  if (character >= 'a' && character <= 'z') return character - 'a' + 26;
  if (character >= '0' && character <= '9') return character - '0' + 52;
  if (character == '+') return 62;
  return character == '/' ? 63 : -1;
}

std::size_t paddingOf(const std::string& text) {
  if (text.empty() || text.back() != '=') return 0;
  return text[text.size() - 2] == '=' ? 2 : 1;
}

}  // namespace

std::optional<std::vector<std::uint8_t>> bytesFromBase64(const std::string& text) {
  if (text.size() % 4 != 0) return std::nullopt;
  const std::size_t digits = text.size() - paddingOf(text);

  std::vector<std::uint8_t> bytes;
  bytes.reserve(digits * 3 / 4);
  std::uint32_t collected = 0;
  std::uint32_t leftBits = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    const int sextet = sextetOf(text[i]);
    if (sextet < 0) return std::nullopt;
    collected = (collected << 6U) | static_cast<std::uint32_t>(sextet);
    // The first digit of four completes no byte, each other one does.
    leftBits = static_cast<std::uint32_t>(6 - 2 * (i % 4));
    if (i % 4 != 0) bytes.push_back(static_cast<std::uint8_t>(collected >> leftBits));
  }
  // RFC 4648, 3.5: bits that belong to no byte are zero, or two texts would mean the same bytes.
  if ((collected & ((1U << leftBits) - 1U)) != 0) return std::nullopt;
  return bytes;
}

}  // namespace enginewright
