#include "weights/digest_inputs.hpp"

#include "weights/input_file.hpp"
#include "weights/plan_check.hpp"
#include "weights/progress.hpp"
#include "weights/sha256.hpp"
#include "weights/tensor_stream.hpp"

namespace enginewright {

void digestInputs(const DigestPlan& plan, EventWriter& events) {
  InputFiles inputs;
  checkPlan(plan, inputs);
  std::uint64_t totalBytes = 0;
  for (const DigestInput& input : plan.inputs) totalBytes += bytesOf(input.view);

  ProgressMeter meter(events, totalBytes);
  for (const DigestInput& input : plan.inputs) {
    Sha256 sha256;
    streamTensor(input.view, inputs.open(input.view.file), [&](const std::uint8_t* bytes, std::size_t count) {
      sha256.update(bytes, count);
      meter.advance(count, input.name);
    });
    events.digest(input.name, sha256.finish());
  }
}

}  // namespace enginewright
