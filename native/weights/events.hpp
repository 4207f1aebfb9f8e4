// The JSON lines on stdout: WeightsEvent of core/domain/weights-plan.ts. Each line is written at once.
#pragma once

#include <cstdint>
#include <string>

#include "quantizing/quantization_error.hpp"
#include "weights/failure.hpp"

namespace enginewright {

/// A JSON string literal, RFC 8259 §7. `text` is UTF-8; bytes from 0x80 up pass unchanged.
[[nodiscard]] std::string jsonText(const std::string& text);

class EventWriter {
 public:
  explicit EventWriter(int descriptor) : descriptor_(descriptor) {}

  void progress(std::uint64_t doneBytes, std::uint64_t totalBytes, const std::string& name);
  void output(const std::string& path, std::uint64_t bytes, const std::string& sha256);
  void digest(const std::string& name, const std::string& sha256);
  void solved(const std::string& name, double roundedError, double error);
  void quantized(const std::string& name, const QuantizationError& error);
  /// Never throws: it is what is said last.
  void error(const Failure& failure) noexcept;

 private:
  void line(const std::string& members);

  int descriptor_;
};

}  // namespace enginewright
