// A tensor of any strides as one row-major stream of bounded blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "weights/box_reader.hpp"
#include "weights/input_file.hpp"
#include "weights/plan.hpp"

namespace enginewright {

/// Takes the next bytes of a stream; they are valid during the call only.
using ByteSink = std::function<void(const std::uint8_t* bytes, std::size_t count)>;

/// Upper bound of a block, in bytes.
constexpr std::size_t streamBlockBytes = std::size_t{8} << 20U;

/// The plan must have been checked against the file. Throws as InputFile::readAt, and whatever the sink
/// throws.
void streamTensor(const TensorView& view, const InputFile& file, const ByteSink& sink,
                  std::size_t blockBytes = streamBlockBytes);

}  // namespace enginewright
