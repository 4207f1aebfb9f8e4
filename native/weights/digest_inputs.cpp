#include "weights/digest_inputs.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "weights/in_parallel.hpp"
#include "weights/input_checks.hpp"
#include "weights/input_file.hpp"
#include "weights/paired_hashing.hpp"
#include "weights/plan_check.hpp"
#include "weights/progress.hpp"
#include "weights/tensor_stream.hpp"

namespace enginewright {

void digestInputs(const DigestPlan& plan, EventWriter& events, unsigned threads) {
  InputFiles inputs;
  checkPlan(plan, inputs);
  std::uint64_t totalBytes = 0;
  for (const DigestInput& input : plan.inputs) totalBytes += bytesOf(input.view);

  InputChecks checks(plan.checks);
  std::vector<InputChecks::OfStep> ofInput;
  for (const DigestInput& input : plan.inputs) ofInput.push_back(checks.assign({input.view}, true));
  const std::vector<const InputCheck*> unread = checks.rest();

  PairedHashing hashing;
  ProgressMeter meter(events, totalBytes);
  std::vector<std::string> digests(plan.inputs.size());
  const auto digest = [&](std::size_t index) {
    const DigestInput& input = plan.inputs[index];
    const InputChecks::OfStep& own = ofInput[index];
    for (const InputCheck* check : own.before) checkInput(*check, inputs);
    PairedHashing::Stream sha256(hashing);
    Crc32 sum;
    streamTensor(input.view, inputs.open(input.view.file), [&](const std::uint8_t* bytes, std::size_t count) {
      sha256.update(bytes, count);
      if (own.passing != nullptr) sum.update(bytes, count);
      meter.advance(count, input.name);
    });
    if (own.passing != nullptr) requireSum(*own.passing, sum);
    digests[index] = sha256.finish();
  };
  // One of a pair waits while the other hashes for both.
  inParallel(plan.inputs.size(), 2 * threads, {[](std::size_t) {}, digest});
  inParallel(unread.size(), threads, {[](std::size_t) {}, [&](std::size_t index) { checkInput(*unread[index], inputs); }});
  for (std::size_t i = 0; i < digests.size(); ++i) events.digest(plan.inputs[i].name, digests[i]);
}

}  // namespace enginewright
