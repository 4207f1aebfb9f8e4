#include "weights/events.hpp"

#include <unistd.h>

#include <array>

#include "check.hpp"

using namespace enginewright;

int main() {
  CHECK(jsonText("plain") == "\"plain\"");
  CHECK(jsonText("a\"b\\c") == "\"a\\\"b\\\\c\"");
  CHECK(jsonText("line\nend\x01") == "\"line\\u000aend\\u0001\"");
  CHECK(jsonText("\xc3\xa9\xe4\xb8\xad") == "\"\xc3\xa9\xe4\xb8\xad\"");

  std::array<int, 2> ends{};
  CHECK(::pipe(ends.data()) == 0);
  EventWriter events(ends[1]);
  events.progress(1, 2, "");
  events.error(Failure(FailureName::MergeNotFinite, "too large", "w"));
  ::close(ends[1]);
  std::string text(1024, '\0');
  const ssize_t got = ::read(ends[0], text.data(), text.size());
  text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  ::close(ends[0]);

  CHECK(text ==
        "{\"event\":\"progress\",\"doneBytes\":1,\"totalBytes\":2}\n"
        "{\"event\":\"error\",\"name\":\"MergeNotFinite\",\"message\":\"too large\",\"tensor\":\"w\"}\n");
  return test::result();
}
