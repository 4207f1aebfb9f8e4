#include "weights/digest_inputs.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "weights/in_parallel.hpp"
#include "weights/input_file.hpp"
#include "weights/plan_check.hpp"
#include "weights/progress.hpp"
#include "weights/sha256.hpp"
#include "weights/tensor_stream.hpp"

namespace enginewright {

void digestInputs(const DigestPlan& plan, EventWriter& events, unsigned threads) {
  InputFiles inputs;
  checkPlan(plan, inputs);
  std::uint64_t totalBytes = 0;
  for (const DigestInput& input : plan.inputs) totalBytes += bytesOf(input.view);

  ProgressMeter meter(events, totalBytes);
  std::vector<std::string> digests(plan.inputs.size());
  const auto digest = [&](std::size_t index) {
    const DigestInput& input = plan.inputs[index];
    Sha256 sha256;
    streamTensor(input.view, inputs.open(input.view.file), [&](const std::uint8_t* bytes, std::size_t count) {
      sha256.update(bytes, count);
      meter.advance(count, input.name);
    });
    digests[index] = sha256.finish();
  };
  inParallel(plan.inputs.size(), threads, {[](std::size_t) {}, digest});
  for (std::size_t i = 0; i < digests.size(); ++i) events.digest(plan.inputs[i].name, digests[i]);
}

}  // namespace enginewright
