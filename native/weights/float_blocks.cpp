#include "weights/float_blocks.hpp"

#include <cmath>
#include <cstring>

#include "weights/cpu_features.hpp"

#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "Weight files are little-endian; a big-endian host needs byte swaps here."
#endif

namespace enginewright {

namespace {

template <typename Stored>
Stored load(const std::uint8_t* bytes, std::size_t index) {
  Stored stored;
  std::memcpy(&stored, bytes + index * sizeof(Stored), sizeof(Stored));
  return stored;
}

template <typename Stored>
void store(std::uint8_t* bytes, std::size_t index, Stored stored) {
  std::memcpy(bytes + index * sizeof(Stored), &stored, sizeof(Stored));
}

template <typename Bits, typename Convert>
bool encodeEach(const double* values, std::size_t count, std::uint8_t* bytes, Bits exponentMask,
                Convert convert) {
  bool finite = true;
  for (std::size_t i = 0; i < count; ++i) {
    const Bits bits = convert(values[i]);
    finite = finite && (bits & exponentMask) != exponentMask;
    store(bytes, i, bits);
  }
  return finite;
}

bool encodeDoubles(const double* values, std::size_t count, std::uint8_t* bytes) {
  bool finite = true;
  for (std::size_t i = 0; i < count; ++i) finite = finite && std::isfinite(values[i]);
  std::memcpy(bytes, values, count * sizeof(double));
  return finite;
}

}  // namespace

void decodeBlockReference(FloatDtype dtype, const std::uint8_t* bytes, std::size_t count, double* values) {
  switch (dtype) {
    case FloatDtype::F64:
      if (count > 0) std::memcpy(values, bytes, count * sizeof(double));
      break;
    case FloatDtype::F32:
      for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<double>(load<float>(bytes, i));
      break;
    case FloatDtype::F16:
      for (std::size_t i = 0; i < count; ++i) values[i] = doubleFromHalf(load<std::uint16_t>(bytes, i));
      break;
    case FloatDtype::BF16:
      for (std::size_t i = 0; i < count; ++i) values[i] = doubleFromBfloat(load<std::uint16_t>(bytes, i));
      break;
  }
}

bool encodeBlockReference(FloatDtype dtype, const double* values, std::size_t count, std::uint8_t* bytes) {
  if (count == 0) return true;
  switch (dtype) {
    case FloatDtype::F64:
      return encodeDoubles(values, count, bytes);
    case FloatDtype::F32:
      return encodeEach(values, count, bytes, std::uint32_t{0x7f800000}, floatBitsFromDouble);
    case FloatDtype::F16:
      return encodeEach(values, count, bytes, std::uint16_t{0x7c00}, halfFromDouble);
    case FloatDtype::BF16:
      break;
  }
  return encodeEach(values, count, bytes, std::uint16_t{0x7f80}, bfloatFromDouble);
}

void decodeBlock(FloatDtype dtype, const std::uint8_t* bytes, std::size_t count, double* values) {
  std::size_t done = 0;
#if defined(__x86_64__)
  if (hasAvx2()) done = decodeBlockAvx2(dtype, bytes, count, values);
#endif
  decodeBlockReference(dtype, bytes + done * bytesOf(dtype), count - done, values + done);
}

bool encodeBlock(FloatDtype dtype, const double* values, std::size_t count, std::uint8_t* bytes) {
  std::size_t done = 0;
  bool finite = true;
#if defined(__x86_64__)
  if (hasAvx2()) done = encodeBlockAvx2(dtype, values, count, bytes, finite);
#endif
  const bool tailFinite =
      encodeBlockReference(dtype, values + done, count - done, bytes + done * bytesOf(dtype));
  return finite && tailFinite;
}

}  // namespace enginewright
