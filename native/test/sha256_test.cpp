#include "weights/sha256.hpp"

#include <algorithm>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "check.hpp"
#include "weights/cpu_features.hpp"
#include "weights/paired_hashing.hpp"

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

/// Two streams of any lengths, begun anywhere in a block, have the digests that each has alone.
void checkBothAtOnce(Sha256::Compress compress) {
  std::mt19937 random(12);
  for (unsigned round = 0; round < 300; ++round) {
    std::vector<std::uint8_t> texts[2];
    Sha256 streams[2] = {Sha256(compress), Sha256(compress)};
    const std::size_t starts[2] = {round % 3 == 0 ? random() % 100 : 0, round % 5 == 0 ? random() % 100 : 0};
    for (std::size_t s = 0; s < 2; ++s) {
      texts[s].resize(starts[s] + random() % 700);
      for (std::uint8_t& byte : texts[s]) byte = static_cast<std::uint8_t>(random());
      streams[s].update(texts[s].data(), starts[s]);
    }
    Sha256::updateBoth(streams[0], {texts[0].data() + starts[0], texts[0].size() - starts[0]}, streams[1],
                       {texts[1].data() + starts[1], texts[1].size() - starts[1]});
    for (std::size_t s = 0; s < 2; ++s) {
      CHECK(streams[s].finish() == digestOf(Sha256(compressSha256Reference), std::string(texts[s].begin(), texts[s].end())));
    }
  }
}

/// Three threads, each with a stream of its own.
void checkPairs() {
  PairedHashing hashing;
  const std::string text(300000, 'x');
  std::string digests[3];
  std::vector<std::thread> threads;
  for (std::size_t s = 0; s < 3; ++s) {
    threads.emplace_back([&, s] {
      PairedHashing::Stream stream(hashing);
      const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
      const std::size_t end = text.size() - s * 77777;
      for (std::size_t at = 0; at < end; at += 8192) stream.update(bytes + at, std::min<std::size_t>(8192, end - at));
      digests[s] = stream.finish();
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::size_t s = 0; s < 3; ++s) {
    CHECK(digests[s] == digestOf(Sha256(compressSha256Reference), text.substr(0, text.size() - s * 77777)));
  }
}

}  // namespace

int main() {
  checkExamples(compressSha256Reference);
  checkBothAtOnce(compressSha256Reference);
  checkPairs();
#if defined(__x86_64__)
  if (hasShaInstructions()) {
    checkExamples(compressSha256Ni);
    checkPathsAgree();
    checkBothAtOnce(compressSha256Ni);
  }
#endif
  return test::result();
}
