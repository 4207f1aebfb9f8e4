#pragma once

#include <cstdint>
#include <string>

#include "weights/float_formats.hpp"

namespace enginewright {

/// A matrix of floats in an input file.
struct MatrixRange {
  std::string file;
  std::uint64_t offset = 0;
  FloatDtype dtype = FloatDtype::F32;
  std::uint64_t rows = 0;
  std::uint64_t columns = 0;
  /// In items.
  std::uint64_t rowStride = 0;
  std::uint64_t columnStride = 1;
};

}  // namespace enginewright
