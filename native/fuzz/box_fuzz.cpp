// Strided views of a small file through the box reader, against one item at a time.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "fuzz/fuzz_folder.hpp"
#include "weights/plan_check.hpp"
#include "weights/tensor_stream.hpp"

namespace {

using namespace enginewright;

/// Each is looked up in the file by itself.
constexpr std::uint64_t mostBytes = std::uint64_t{16} << 10U;

/// Byte by byte from the input; zeros once it is empty.
class Bytes {
 public:
  Bytes(const std::uint8_t* bytes, std::size_t count) : bytes_(bytes), left_(count) {}
  std::uint64_t next() {
    if (left_ == 0) return 0;
    --left_;
    return *bytes_++;
  }

 private:
  const std::uint8_t* bytes_;
  std::size_t left_;
};

std::vector<std::uint8_t> gather(const TensorView& view, const InputFile& file) {
  std::vector<std::uint8_t> all(static_cast<std::size_t>(bytesOf(view)));
  const std::size_t items = all.size() / view.itemBytes;
  for (std::size_t item = 0; item < items; ++item) {
    std::uint64_t rest = item;
    std::uint64_t from = 0;
    for (std::size_t axis = view.shape.size(); axis-- > 0;) {
      from += (rest % view.shape[axis]) * view.strides[axis];
      rest /= view.shape[axis];
    }
    file.readAt(view.offset + from * view.itemBytes, all.data() + item * view.itemBytes, view.itemBytes);
  }
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t count) {
  Bytes input(bytes, count);
  TensorView view{fuzz::fuzzFolder().input(), input.next() * 256U + input.next(), std::uint64_t{1} << (input.next() % 5U), {}, {}};
  const std::size_t dimensions = input.next() % 6U;
  const std::size_t block = 1 + static_cast<std::size_t>(input.next()) * 16U;
  for (std::size_t i = 0; i < dimensions; ++i) {
    view.shape.push_back(input.next() % 17U);
    view.strides.push_back(input.next());
  }
  fuzz::endsProperly([&] {
    DigestPlan plan;
    plan.inputs.push_back({"view", view});
    InputFiles files;
    checkPlan(plan, files);
    if (bytesOf(view) > mostBytes) return;
    const InputFile& file = files.open(view.file);
    std::vector<std::uint8_t> streamed;
    streamTensor(view, file, [&](const std::uint8_t* part, std::size_t size) { streamed.insert(streamed.end(), part, part + size); }, block);
    if (streamed != gather(view, file)) __builtin_trap();
  });
  return 0;
}
