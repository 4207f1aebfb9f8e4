// The CPU's features as enginewright-weights-lesser-cpu sees them: no more than ENGINEWRIGHT_LESSER_CPU says (plain, avx2
// or avx512), so that one host can try every kernel. Without that variable the program must not be used at all.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "weights/cpu_features.hpp"

namespace enginewright {

namespace {

enum class Level { Plain, Avx2, Avx512 };

Level readLevel() {
  const char* const text = std::getenv("ENGINEWRIGHT_LESSER_CPU");
  const std::string name = text == nullptr ? "" : text;
  if (name == "plain") return Level::Plain;
  if (name == "avx2") return Level::Avx2;
  if (name == "avx512") return Level::Avx512;
  std::fputs("ENGINEWRIGHT_LESSER_CPU must be plain, avx2 or avx512\n", stderr);
  std::abort();
}

Level level() {
  static const Level chosen = readLevel();
  return chosen;
}

}  // namespace

bool hasAvx2() { return level() != Level::Plain; }
bool hasAvx512() { return level() == Level::Avx512; }
bool hasShaInstructions() { return false; }
bool hasCarrylessMultiply() { return false; }

}  // namespace enginewright
