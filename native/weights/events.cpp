#include "weights/events.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace enginewright {

std::string jsonText(const std::string& text) {
  std::string literal = "\"";
  for (const char character : text) {
    const auto code = static_cast<unsigned char>(character);
    if (character == '"' || character == '\\') {
      literal += '\\';
      literal += character;
    } else if (code < 0x20) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(code));
      literal += escaped;
    } else {
      literal += character;
    }
  }
  return literal + "\"";
}

void EventWriter::progress(std::uint64_t doneBytes, std::uint64_t totalBytes, const std::string& name) {
  line("\"event\":\"progress\",\"doneBytes\":" + std::to_string(doneBytes) +
       ",\"totalBytes\":" + std::to_string(totalBytes) + (name.empty() ? "" : ",\"name\":" + jsonText(name)));
}

void EventWriter::output(const std::string& path, std::uint64_t bytes, const std::string& sha256) {
  line("\"event\":\"output\",\"path\":" + jsonText(path) + ",\"bytes\":" + std::to_string(bytes) +
       ",\"sha256\":" + jsonText(sha256));
}

void EventWriter::digest(const std::string& name, const std::string& sha256) {
  line("\"event\":\"digest\",\"name\":" + jsonText(name) + ",\"sha256\":" + jsonText(sha256));
}

namespace {

std::string numberText(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

}  // namespace

void EventWriter::quantized(const std::string& name, const QuantizationError& error) {
  line("\"event\":\"quantized\",\"name\":" + jsonText(name) + ",\"maxAbs\":" + numberText(error.maxAbs) +
       ",\"relativeFrobenius\":" + numberText(error.relativeFrobenius) + ",\"cosine\":" +
       numberText(error.cosine) + ",\"sqnr\":" + (error.sqnr ? numberText(*error.sqnr) : "null"));
}

void EventWriter::solved(const std::string& name, double roundedError, double error) {
  line("\"event\":\"solved\",\"name\":" + jsonText(name) + ",\"roundedError\":" + numberText(roundedError) +
       ",\"error\":" + numberText(error));
}

void EventWriter::error(const Failure& failure) noexcept {
  try {
    line(std::string("\"event\":\"error\",\"name\":\"") + textOf(failure.name()) +
         "\",\"message\":" + jsonText(failure.what()) +
         (failure.tensor().empty() ? "" : ",\"tensor\":" + jsonText(failure.tensor())));
  } catch (...) {
    // Nobody reads stdout any more; the exit code still tells.
  }
}

void EventWriter::line(const std::string& members) {
  const std::string text = "{" + members + "}\n";
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t put = ::write(descriptor_, text.data() + done, text.size() - done);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) throw writeFailure("the events", errno);
    done += static_cast<std::size_t>(put);
  }
}

}  // namespace enginewright
