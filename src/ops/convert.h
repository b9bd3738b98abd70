// Conversion between dtypes, and calling a template by dtype.
#pragma once

#include <cstdint>

#include "base/text.h"
#include "ropeway/tensor.h"

namespace ropeway {

float f16_to_f32(uint16_t bits);
uint16_t f32_to_f16(float value);  // to nearest, halves to even; above 65504: infinity
float bf16_to_f32(uint16_t bits);
uint16_t f32_to_bf16(float value);  // likewise

// The elements as another dtype. Floating point to integer truncates toward zero and saturates at the type's bounds (NaN gives 0); anything to boolean is ≠ 0;
// between integers the value wraps, as PyTorch does.
Tensor convert(const Tensor& tensor, DType to);

// A tensor of `count` equal elements.
Tensor filled(TensorType type, double value);

// Integers of any integer dtype, or booleans, as int64. Throws Error{invalid_argument} for floating point.
std::vector<int64_t> as_ints(const Tensor& tensor);
// The one element of a tensor, as double. Throws Error{invalid_argument} unless it has exactly one.
double as_scalar(const Tensor& tensor);

// Calls f.operator()<T>() with the C++ type of `dtype`. f16 and bf16 have none: Error{internal}.
template <class F>
decltype(auto) visit_dtype(DType dtype, F&& f) {
  switch (dtype) {
    case DType::f32: return f.template operator()<float>();
    case DType::f64: return f.template operator()<double>();
    case DType::i8: return f.template operator()<int8_t>();
    case DType::i16: return f.template operator()<int16_t>();
    case DType::i32: return f.template operator()<int32_t>();
    case DType::i64: return f.template operator()<int64_t>();
    case DType::u8: return f.template operator()<uint8_t>();
    case DType::u16: return f.template operator()<uint16_t>();
    case DType::u32: return f.template operator()<uint32_t>();
    case DType::u64: return f.template operator()<uint64_t>();
    case DType::boolean: return f.template operator()<bool>();
    default: fail(ErrorCode::internal, "no C++ type for {}", name(dtype));
  }
}

// The same for f32 and f64 only; Error{unsupported} for anything else.
template <class F>
decltype(auto) visit_float(DType dtype, F&& f) {
  switch (dtype) {
    case DType::f32: return f.template operator()<float>();
    case DType::f64: return f.template operator()<double>();
    default: fail(ErrorCode::unsupported, "this operator computes in floating point, not in {}", name(dtype));
  }
}

}  // namespace ropeway
