// W + scale · (left · right) for a block of rows, from bytes to bytes: no block of doubles is written between the
// steps. Each element takes the same steps as in product.hpp and float_blocks.hpp, so every path gives their bits.
#pragma once

#include <cstdint>

#include "weights/float_formats.hpp"
#include "weights/product.hpp"

namespace enginewright {

/// Precondition: every value of both factors came from F32, F16 or BF16, as in addProductOfNarrow.
struct RowsChange {
  ProductShape shape;
  const double* left;
  const double* right;
  double scale;
  /// scale · (left · right) is rounded to the dtype before it is added.
  bool roundsDelta;
};

/// `bytes` are the rows of W, without gaps, and become those of the sum. Returns false if a value of the result, or of
/// a rounded delta, is infinite or NaN; the bytes are of no use then.
[[nodiscard]] bool mergeRows(FloatDtype dtype, const RowsChange& change, std::uint8_t* bytes);
[[nodiscard]] bool mergeRowsReference(FloatDtype dtype, const RowsChange& change, std::uint8_t* bytes);

#if defined(__x86_64__)
// Only where hasAvx2() or hasAvx512(); not for F64.
[[nodiscard]] bool mergeRowsAvx2(FloatDtype dtype, const RowsChange& change, std::uint8_t* bytes);
[[nodiscard]] bool mergeRowsAvx512(FloatDtype dtype, const RowsChange& change, std::uint8_t* bytes);
#endif

/// Some columns of all rows, one number at a time.
[[nodiscard]] bool mergeColumnsReference(FloatDtype dtype, const RowsChange& change, std::size_t firstColumn,
                                         std::uint8_t* bytes);

}  // namespace enginewright
