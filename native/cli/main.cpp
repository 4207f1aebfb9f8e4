// enginewright-weights: a verb and a plan file in, JSON lines out. See native/README.md.
#include <unistd.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <new>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "solving/solve.hpp"
#include "weights/digest_inputs.hpp"
#include "weights/events.hpp"
#include "weights/failure.hpp"
#include "weights/plan_check.hpp"
#include "weights/plan_reader.hpp"
#include "weights/temporary_files.hpp"
#include "weights/write_outputs.hpp"

namespace {

using namespace enginewright;

constexpr const char* usage =
    "usage: enginewright-weights copy|merge|quantize|solve|digest --plan FILE|- [--nonce TEXT]\n"
    "       enginewright-weights --version | --help\n";

struct Arguments {
  std::string verb;
  std::string plan;
  std::string nonce;
};

std::string randomNonce() {
  std::random_device device;
  char text[17];
  std::snprintf(text, sizeof text, "%08x%08x", device(), device());
  return text;
}

/// It becomes part of a file name.
bool isNonce(const std::string& text) {
  if (text.empty() || text.size() > 32) return false;
  return text.find_first_not_of("0123456789abcdefghijklmnopqrstuvwxyz") == std::string::npos;
}

Arguments parseArguments(const std::vector<std::string>& words) {
  Arguments arguments;
  if (!words.empty()) arguments.verb = words.front();
  bool isKnown = false;
  for (const char* verb : {"copy", "merge", "quantize", "solve", "digest"}) isKnown = isKnown || arguments.verb == verb;
  if (!isKnown) {
    throw Failure(FailureName::UsageInvalid, "the first argument must be copy, merge, quantize, solve or digest");
  }
  for (std::size_t i = 1; i < words.size(); i += 2) {
    const bool hasValue = i + 1 < words.size();
    if (words[i] == "--plan" && hasValue) {
      arguments.plan = words[i + 1];
    } else if (words[i] == "--nonce" && hasValue && isNonce(words[i + 1])) {
      arguments.nonce = words[i + 1];
    } else {
      throw Failure(FailureName::UsageInvalid, "cannot use the argument " + words[i]);
    }
  }
  if (arguments.plan.empty()) throw Failure(FailureName::UsageInvalid, "--plan FILE is missing");
  if (arguments.nonce.empty()) arguments.nonce = randomNonce();
  return arguments;
}

/// `-` is stdin, as with other programs.
std::string readPlanText(const std::string& path) {
  std::ifstream file;
  if (path != "-") file.open(path, std::ios::binary);
  std::istream& plan = path == "-" ? std::cin : file;
  std::ostringstream text;
  text << plan.rdbuf();
  if (!plan || !text) throw Failure(FailureName::PlanInvalid, "cannot read the plan " + path);
  return text.str();
}

void runVerb(const Arguments& arguments, EventWriter& events) {
  const std::string text = readPlanText(arguments.plan);
  if (arguments.verb == "digest") {
    digestInputs(parseDigestPlan(text), events);
    return;
  }
  if (arguments.verb == "solve") {
    solveLinears(parseSolvePlan(text), arguments.nonce, events);
    return;
  }
  const WeightsPlan plan = parseWeightsPlan(text);
  if (arguments.verb == "copy") refuseComputedPieces(plan, Computing::Nothing);
  if (arguments.verb == "merge") refuseComputedPieces(plan, Computing::Merges);
  writeOutputs(plan, arguments.nonce, events);
}

/// Blocks of megabytes come and go with every tensor. By default each would be mapped, zeroed page by page and unmapped
/// again, which costs more than filling it; kept in one arena they are used again.
void keepFreedBlocks() {
#if defined(__GLIBC__)
  constexpr int mebibyte = 1 << 20;
  ::mallopt(M_ARENA_MAX, 1);
  ::mallopt(M_MMAP_THRESHOLD, 32 * mebibyte);
  ::mallopt(M_TRIM_THRESHOLD, 128 * mebibyte);
#endif
}

int report(const Failure& failure, EventWriter& events) {
  events.error(failure);
  std::fprintf(stderr, "enginewright-weights: %s\n", failure.what());
  if (failure.name() == FailureName::UsageInvalid) std::fputs(usage, stderr);
  return exitCodeOf(failure.name());
}

std::optional<int> answerQuestion(const std::vector<std::string>& words) {
  if (words.size() != 1) return std::nullopt;
  if (words.front() == "--version") {
    std::puts("enginewright-weights " ENGINEWRIGHT_VERSION);
    return 0;
  }
  if (words.front() != "--help") return std::nullopt;
  std::fputs(usage, stdout);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (const auto answered = answerQuestion(words)) return *answered;

  keepFreedBlocks();
  EventWriter events(STDOUT_FILENO);
  try {
    endCleanlyOnSignals();
    runVerb(parseArguments(words), events);
    return 0;
  } catch (const Failure& failure) {
    return report(failure, events);
  } catch (const std::bad_alloc&) {
    return report(Failure(FailureName::InternalError, "there is not enough memory"), events);
  } catch (const std::exception& problem) {
    return report(Failure(FailureName::InternalError, problem.what()), events);
  }
}
