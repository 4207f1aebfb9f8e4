#pragma once

#include <functional>
#include <string>

#include "quantizing/error_meter.hpp"
#include "quantizing/scheme.hpp"
#include "weights/input_file.hpp"
#include "weights/tensor_stream.hpp"

namespace enginewright {

/// Hears of the error once the codes of a matrix are written.
using ErrorSink = std::function<void(const QuantizationError&)>;

/// Streams one part of a quantized matrix. The plan must have been checked. Throws MergeNotFinite.
void streamQuantized(const QuantizePiece& piece, const std::string& tensor, InputFiles& inputs,
                     const ByteSink& sink, const ErrorSink& onError);

/// Streams codes that lie in a file, packed.
void streamPacked(const PackPiece& piece, InputFiles& inputs, const ByteSink& sink);

}  // namespace enginewright
