// Base64 of plans and JSON strings of events: what is taken is canonical, what is written is read back by a parser.
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "weights/base64.hpp"
#include "weights/events.hpp"

namespace {

std::string encode(const std::vector<std::uint8_t>& bytes) {
  static const char* letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = bytes.size() - i;
    const std::uint32_t group = (std::uint32_t{bytes[i]} << 16U) | (left > 1 ? std::uint32_t{bytes[i + 1]} << 8U : 0U) |
                                (left > 2 ? std::uint32_t{bytes[i + 2]} : 0U);
    text += letters[group >> 18U];
    text += letters[(group >> 12U) & 63U];
    text += left > 1 ? letters[(group >> 6U) & 63U] : '=';
    text += left > 2 ? letters[group & 63U] : '=';
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t count) {
  const std::string text(reinterpret_cast<const char*>(bytes), count);
  const auto decoded = enginewright::bytesFromBase64(text);
  // Bits that no byte has must be zero, or two texts would mean one.
  if (decoded && encode(*decoded) != text) __builtin_trap();
  const std::vector<std::uint8_t> all(bytes, bytes + count);
  const auto again = enginewright::bytesFromBase64(encode(all));
  if (!again || *again != all) __builtin_trap();

  const std::string literal = enginewright::jsonText(text);
  if (literal.find('\n') != std::string::npos) __builtin_trap();
  const auto parsed = nlohmann::json::parse(literal, nullptr, false);
  // Text that is no UTF-8 passes unchanged and is no JSON then; everything else comes back as it was.
  if (!parsed.is_discarded() && parsed.get<std::string>() != text) __builtin_trap();
  return 0;
}
