#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace enginewright {

/// RFC 4648 §4, with padding and nothing else: any other character or length gives nothing.
[[nodiscard]] std::optional<std::vector<std::uint8_t>> bytesFromBase64(const std::string& text);

}  // namespace enginewright
