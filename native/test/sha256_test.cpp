#include "weights/sha256.hpp"

#include <algorithm>
#include <random>
#include <vector>

#include "check.hpp"
#include "weights/cpu_features.hpp"

using namespace enginewright;

namespace {

std::string digestOf(Sha256 sha256, const std::string& text) {
  sha256.update(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  return sha256.finish();
}

// The examples NIST publishes with FIPS 180-4.
void checkExamples(Sha256::Compress compress) {
  CHECK(digestOf(Sha256(compress), "") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(digestOf(Sha256(compress), "abc") ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(digestOf(Sha256(compress), "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(digestOf(Sha256(compress), std::string(1000000, 'a')) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

#if defined(__x86_64__)
void checkPathsAgree() {
  std::mt19937 random(11);
  for (std::size_t size = 0; size < 400; ++size) {
    std::string text(size, '\0');
    for (char& character : text) character = static_cast<char>(random());
    Sha256 parts(compressSha256Ni);
    for (std::size_t done = 0; done < size;) {
      const std::size_t part = std::min<std::size_t>(size - done, 1 + random() % 150);
      parts.update(reinterpret_cast<const std::uint8_t*>(text.data()) + done, part);
      done += part;
    }
    CHECK(parts.finish() == digestOf(Sha256(compressSha256Reference), text));
  }
}
#endif

}  // namespace

int main() {
  checkExamples(compressSha256Reference);
#if defined(__x86_64__)
  if (hasShaInstructions()) {
    checkExamples(compressSha256Ni);
    checkPathsAgree();
  }
#endif
  return test::result();
}
