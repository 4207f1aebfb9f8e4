#include "weights/float_blocks.hpp"

#if defined(__x86_64__)

#include "weights/float_lanes_avx2.hpp"

namespace enginewright {

namespace {

constexpr std::size_t width = 8;

template <typename Format>
ENGINEWRIGHT_AVX2 std::size_t decodeEights(const std::uint8_t* bytes, std::size_t count, double* values) {
  std::size_t i = 0;
  for (; i + width <= count; i += width) {
    const avx2::Eight eight = Format::decode(bytes + Format::itemBytes * i);
    _mm256_storeu_pd(values + i, eight.low);
    _mm256_storeu_pd(values + i + 4, eight.high);
  }
  return i;
}

template <typename Format>
ENGINEWRIGHT_AVX2 std::size_t encodeEights(const double* values, std::size_t count, std::uint8_t* bytes,
                                           bool& finite) {
  avx2::Largest largest = avx2::nothingSeen();
  std::size_t i = 0;
  for (; i + width <= count; i += width) {
    const avx2::Eight eight{_mm256_loadu_pd(values + i), _mm256_loadu_pd(values + i + 4)};
    Format::encode(eight, bytes + Format::itemBytes * i, largest);
  }
  finite = avx2::isFinite<Format>(largest);
  return i;
}

}  // namespace

std::size_t decodeBlockAvx2(FloatDtype dtype, const std::uint8_t* bytes, std::size_t count, double* values) {
  if (dtype == FloatDtype::F16) return decodeEights<avx2::Halves>(bytes, count, values);
  if (dtype == FloatDtype::BF16) return decodeEights<avx2::Bfloats>(bytes, count, values);
  if (dtype == FloatDtype::F32) return decodeEights<avx2::Floats>(bytes, count, values);
  return 0;
}

std::size_t encodeBlockAvx2(FloatDtype dtype, const double* values, std::size_t count, std::uint8_t* bytes,
                            bool& finite) {
  finite = true;
  if (dtype == FloatDtype::F16) return encodeEights<avx2::Halves>(values, count, bytes, finite);
  if (dtype == FloatDtype::BF16) return encodeEights<avx2::Bfloats>(values, count, bytes, finite);
  if (dtype == FloatDtype::F32) return encodeEights<avx2::Floats>(values, count, bytes, finite);
  return 0;
}

}  // namespace enginewright

#endif
