#include <algorithm>
#include <cmath>
#include <type_traits>

#include "ops/convert.h"
#include "ops/operator.h"
#include "ops/shape_util.h"

namespace ropeway {
namespace {

bool is_comparison(BinaryFunction function) {
  using enum BinaryFunction;
  return function == equal || function == less || function == less_or_equal || function == greater || function == greater_or_equal;
}
bool is_logical(BinaryFunction function) {
  using enum BinaryFunction;
  return function == logical_and || function == logical_or || function == logical_xor;
}

template <class T>
bool compare(BinaryFunction function, T a, T b) {
  using enum BinaryFunction;
  switch (function) {
    case equal: return a == b;
    case less: return a < b;
    case less_or_equal: return a <= b;
    case greater: return a > b;
    case greater_or_equal: return a >= b;
    case logical_and: return a != T{} && b != T{};
    case logical_or: return a != T{} || b != T{};
    default: return (a != T{}) != (b != T{});
  }
}

template <class T>
T power_of_int(T base, T exponent) {
  if (exponent < 0) return base == 1 ? 1 : base == T(-1) ? (exponent % 2 == 0 ? T(1) : T(-1)) : T(0);
  using U = std::make_unsigned_t<T>;
  uint64_t result = 1, factor = static_cast<U>(base);
  for (uint64_t left = static_cast<uint64_t>(exponent); left > 0; left >>= 1, factor *= factor) {
    if (left & 1) result *= factor;
  }
  return static_cast<T>(result);
}

// Integers wrap; division by zero and the one overflowing quotient give 0, where PyTorch raises an error.
template <class T>
T apply_integer(BinaryFunction function, T a, T b) {
  using enum BinaryFunction;
  const auto x = static_cast<uint64_t>(a), y = static_cast<uint64_t>(b);
  const bool no_quotient = b == 0 || (std::is_signed_v<T> && b == T(-1));
  switch (function) {
    case add: return static_cast<T>(x + y);
    case sub: return static_cast<T>(x - y);
    case mul: return static_cast<T>(x * y);
    case div: return b == 0 ? 0 : no_quotient ? static_cast<T>(0 - x) : static_cast<T>(a / b);
    case mod: {
      if (no_quotient) return 0;
      const T rest = static_cast<T>(a % b);
      return rest != 0 && ((rest < 0) != (b < 0)) ? static_cast<T>(rest + b) : rest;
    }
    case pow: return power_of_int(a, b);
    case min: return std::min(a, b);
    case max: return std::max(a, b);
    default: return a < 0 ? static_cast<T>(x * y) : a;
  }
}

template <class T>
T apply_float(BinaryFunction function, T a, T b) {
  using enum BinaryFunction;
  switch (function) {
    case add: return a + b;
    case sub: return a - b;
    case mul: return a * b;
    case div: return a / b;
    case mod: {
      const T rest = std::fmod(a, b);
      return rest != 0 && ((rest < 0) != (b < 0)) ? rest + b : rest;
    }
    case pow: return std::pow(a, b);
    case min: return std::isnan(a) || a < b ? a : b;
    case max: return std::isnan(a) || a > b ? a : b;
    default: return a < 0 ? a * b : a;
  }
}

}  // namespace

std::vector<TensorType> infer_Binary(const BinaryParams& p, const InputTypes& in) {
  expect(in[0]->dtype == in[1]->dtype, "Binary {}: operands are {} and {}; one dtype is needed", name(p.function), name(in[0]->dtype), name(in[1]->dtype));
  const bool boolean = in[0]->dtype == DType::boolean;
  expect(!is_logical(p.function) || boolean, "Binary {}: operands are {}, not bool", name(p.function), name(in[0]->dtype));
  expect(is_comparison(p.function) || is_logical(p.function) || !boolean, "Binary {}: not defined for bool", name(p.function));
  return {{is_comparison(p.function) ? DType::boolean : in[0]->dtype, broadcast("Binary", in[0]->shape, in[1]->shape)}};
}

void reference_Binary(const BinaryParams& p, const InputTensors& in, std::span<Tensor> out) {
  const Shape& shape = out[0].shape();
  visit_dtype(in[0]->dtype(), [&]<class T>() {
    const auto a = in[0]->data<T>();
    const auto b = in[1]->data<T>();
    for (IndexWalk o(shape, {strides_of(shape), broadcast_strides(in[0]->shape(), shape), broadcast_strides(in[1]->shape(), shape)}); !o.done(); o.next()) {
      const T x = a[static_cast<size_t>(o.offset(1))], y = b[static_cast<size_t>(o.offset(2))];
      const auto at = static_cast<size_t>(o.offset(0));
      if (out[0].dtype() == DType::boolean) {
        out[0].data<bool>()[at] = compare(p.function, x, y);
      } else if constexpr (std::is_floating_point_v<T>) {
        out[0].data<T>()[at] = apply_float(p.function, x, y);
      } else if constexpr (!std::is_same_v<T, bool>) {
        out[0].data<T>()[at] = apply_integer(p.function, x, y);
      }
    }
  });
}

std::vector<TensorType> infer_Where(const NoParams&, const InputTypes& in) {
  expect(in[0]->dtype == DType::boolean, "Where: condition is {}, but bool is expected", to_string(*in[0]));
  expect(in[1]->dtype == in[2]->dtype, "Where: X is {} and Y is {}; one dtype is needed", name(in[1]->dtype), name(in[2]->dtype));
  return {{in[1]->dtype, broadcast("Where", in[0]->shape, broadcast("Where", in[1]->shape, in[2]->shape))}};
}

void reference_Where(const NoParams&, const InputTensors& in, std::span<Tensor> out) {
  const Shape& shape = out[0].shape();
  const std::vector<Shape> strides = {strides_of(shape), broadcast_strides(in[0]->shape(), shape), broadcast_strides(in[1]->shape(), shape), broadcast_strides(in[2]->shape(), shape)};
  for (IndexWalk o(shape, strides); !o.done(); o.next()) {
    const bool chosen = in[0]->data<bool>()[static_cast<size_t>(o.offset(1))];
    copy_element(chosen ? *in[1] : *in[2], o.offset(chosen ? 2 : 3), out[0], o.offset(0));
  }
}

}  // namespace ropeway
