#include "weights/base64.hpp"

#include "check.hpp"

using namespace enginewright;

namespace {

std::string decoded(const std::string& text) {
  const auto bytes = bytesFromBase64(text);
  return bytes ? std::string(bytes->begin(), bytes->end()) : "refused";
}

}  // namespace

int main() {
  // The vectors of RFC 4648 §10.
  CHECK(decoded("").empty());
  CHECK(decoded("Zg==") == "f");
  CHECK(decoded("Zm8=") == "fo");
  CHECK(decoded("Zm9v") == "foo");
  CHECK(decoded("Zm9vYg==") == "foob");
  CHECK(decoded("Zm9vYmE=") == "fooba");
  CHECK(decoded("Zm9vYmFy") == "foobar");
  CHECK(decoded("+/+/") == "\xfb\xff\xbf");

  for (const char* bad : {"Z", "Zg=", "Zg", "Z===", "Zm9v\n", "Zm-_", "Zg==Zg==", "====", "Zh==", "Zm9="}) {
    CHECK(decoded(bad) == "refused");
  }
  return test::result();
}
