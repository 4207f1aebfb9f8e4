#include "weights/merged_rows.hpp"

#include <cstddef>

#include "weights/cpu_features.hpp"
#include "weights/float_blocks.hpp"
#include "weights/plus_change.hpp"

namespace enginewright {

bool mergeColumnsReference(FloatDtype dtype, const RowsChange& change, std::size_t firstColumn,
                           std::uint8_t* bytes) {
  const auto [rows, rank, columns] = change.shape;
  const std::size_t itemBytes = bytesOf(dtype);
  std::uint8_t rounded[sizeof(double)];
  bool finite = true;
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t column = firstColumn; column < columns; ++column) {
      double delta = 0;
      for (std::size_t k = 0; k < rank; ++k) {
        delta += change.left[row * rank + k] * change.right[k * columns + column];
      }
      delta *= change.scale;
      if (change.roundsDelta) {
        finite = encodeBlockReference(dtype, &delta, 1, rounded) && finite;
        decodeBlockReference(dtype, rounded, 1, &delta);
      }
      std::uint8_t* const item = bytes + (row * columns + column) * itemBytes;
      double value = 0;
      decodeBlockReference(dtype, item, 1, &value);
      value = plusChange(value, delta);
      finite = encodeBlockReference(dtype, &value, 1, item) && finite;
    }
  }
  return finite;
}

bool mergeRowsReference(FloatDtype dtype, const RowsChange& change, std::uint8_t* bytes) {
  return mergeColumnsReference(dtype, change, 0, bytes);
}

bool mergeRows(FloatDtype dtype, const RowsChange& change, std::uint8_t* bytes) {
#if defined(__x86_64__)
  if (dtype != FloatDtype::F64 && hasAvx512()) return mergeRowsAvx512(dtype, change, bytes);
  if (dtype != FloatDtype::F64 && hasAvx2()) return mergeRowsAvx2(dtype, change, bytes);
#endif
  return mergeRowsReference(dtype, change, bytes);
}

}  // namespace enginewright
