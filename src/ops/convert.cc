#include "ops/convert.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

namespace ropeway {
namespace {

template <class To, class From>
To convert_element(From value) {
  if constexpr (std::is_same_v<To, bool>) {
    return value != From{};
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    if (std::isnan(value)) return 0;
    if (value <= static_cast<From>(std::numeric_limits<To>::lowest())) return std::numeric_limits<To>::lowest();
    if (value >= static_cast<From>(std::numeric_limits<To>::max())) return std::numeric_limits<To>::max();
    return static_cast<To>(value);
  } else {
    return static_cast<To>(value);
  }
}

// f16 and bf16 to and from f32, element by element.
Tensor widen(const Tensor& tensor) {
  Tensor result({DType::f32, tensor.shape()});
  const auto* from = reinterpret_cast<const uint16_t*>(tensor.raw());
  const auto to = result.data<float>();
  const bool half = tensor.dtype() == DType::f16;
  for (size_t i = 0; i < to.size(); ++i) to[i] = half ? f16_to_f32(from[i]) : bf16_to_f32(from[i]);
  return result;
}

Tensor narrow(const Tensor& tensor, DType dtype) {
  Tensor result({dtype, tensor.shape()});
  auto* to = reinterpret_cast<uint16_t*>(result.raw());
  const auto from = tensor.data<float>();
  for (size_t i = 0; i < from.size(); ++i) to[i] = dtype == DType::f16 ? f32_to_f16(from[i]) : f32_to_bf16(from[i]);
  return result;
}

bool is_short(DType dtype) { return dtype == DType::f16 || dtype == DType::bf16; }

}  // namespace

float bf16_to_f32(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

uint16_t f32_to_bf16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if (std::isnan(value)) return static_cast<uint16_t>((bits >> 16) | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

float f16_to_f32(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16;
  const uint32_t exponent = (half >> 10) & 0x1f;
  const uint32_t mantissa = half & 0x3ff;
  if (exponent == 0) {
    const float magnitude = std::ldexp(static_cast<float>(mantissa), -24);
    return sign != 0 ? -magnitude : magnitude;
  }
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000 | (mantissa << 13));
  return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
}

uint16_t f32_to_f16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const auto sign = static_cast<uint16_t>((bits >> 16) & 0x8000);
  const float magnitude = std::fabs(value);
  if (std::isnan(value)) return static_cast<uint16_t>(sign | 0x7e00);
  if (magnitude >= 65520.0f) return static_cast<uint16_t>(sign | 0x7c00);
  if (magnitude < 6.103515625e-05f) {  // below the smallest normal number: multiples of 2^-24
    return static_cast<uint16_t>(sign | static_cast<uint16_t>(std::nearbyint(std::ldexp(magnitude, 24))));
  }
  const uint32_t rounded = (bits & 0x7fffffff) + 0xfff + ((bits >> 13) & 1);
  return static_cast<uint16_t>(sign | ((rounded >> 13) - (112u << 10)));
}

Tensor convert(const Tensor& tensor, DType to) {
  if (tensor.dtype() == to) return tensor;
  if (is_short(tensor.dtype())) return convert(widen(tensor), to);
  if (is_short(to)) return narrow(convert(tensor, DType::f32), to);
  Tensor result({to, tensor.shape()});
  visit_dtype(tensor.dtype(), [&]<class From>() {
    visit_dtype(to, [&]<class To>() {
      const auto from = tensor.data<From>();
      const auto into = result.data<To>();
      for (size_t i = 0; i < from.size(); ++i) into[i] = convert_element<To>(from[i]);
    });
  });
  return result;
}

Tensor filled(TensorType type, double value) {
  if (is_short(type.dtype)) return convert(filled({DType::f32, type.shape}, value), type.dtype);
  Tensor result(std::move(type));
  visit_dtype(result.dtype(), [&]<class T>() {
    for (T& element : result.data<T>()) element = convert_element<T>(value);
  });
  return result;
}

std::vector<int64_t> as_ints(const Tensor& tensor) {
  if (tensor.dtype() == DType::f32 || tensor.dtype() == DType::f64 || is_short(tensor.dtype())) {
    fail(ErrorCode::invalid_argument, "integers are wanted, but this is {}", to_string(tensor.type()));
  }
  const Tensor wide = convert(tensor, DType::i64);
  const auto elements = wide.data<int64_t>();
  return {elements.begin(), elements.end()};
}

double as_scalar(const Tensor& tensor) {
  if (tensor.count() != 1) fail(ErrorCode::invalid_argument, "a single number is wanted, but this is {}", to_string(tensor.type()));
  return convert(tensor, DType::f64).data<double>()[0];
}

}  // namespace ropeway
