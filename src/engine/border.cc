#include "engine/border.h"

#include <cmath>
#include <limits>

#include "base/text.h"

namespace ropeway {
namespace {

// Row-major indices of element `i`: "[0, 3]".
std::string position(const Shape& shape, size_t i) {
  std::vector<int64_t> indices(shape.size());
  auto rest = static_cast<int64_t>(i);
  for (size_t d = shape.size(); d-- > 0; rest /= shape[d]) indices[d] = rest % shape[d];
  return fmt::format("[{}]", fmt::join(indices, ", "));
}

void narrow_floats(const char* kind, const std::string& name, const Tensor& from, Tensor& to) {
  const auto source = from.data<double>();
  const auto target = to.data<float>();
  for (size_t i = 0; i < source.size(); ++i) {
    target[i] = static_cast<float>(source[i]);
    if (std::isinf(target[i]) && !std::isinf(source[i])) fail(ErrorCode::invalid_argument, "{} {} holds {:g} at {}, which is beyond float32: the device has no float64", kind, name, source[i], position(from.shape(), i));
  }
}

void narrow_integers(const char* kind, const std::string& name, const Tensor& from, Tensor& to) {
  const auto source = from.data<int64_t>();
  const auto target = to.data<int32_t>();
  for (size_t i = 0; i < source.size(); ++i) {
    target[i] = static_cast<int32_t>(source[i]);
    if (target[i] != source[i]) fail(ErrorCode::invalid_argument, "{} {} holds {} at {}, which is beyond int32: the device computes these in int32", kind, name, source[i], position(from.shape(), i));
  }
}

template <class From, class To>
void widen(const Tensor& from, Tensor& to) {
  const auto source = from.data<From>();
  const auto target = to.data<To>();
  for (size_t i = 0; i < source.size(); ++i) target[i] = static_cast<To>(source[i]);
}

}  // namespace

void convert_at_border(const char* kind, const std::string& name, const Tensor& from, Tensor& to) {
  if (from.dtype() == DType::f64 && to.dtype() == DType::f32) return narrow_floats(kind, name, from, to);
  if (from.dtype() == DType::i64 && to.dtype() == DType::i32) return narrow_integers(kind, name, from, to);
  if (from.dtype() == DType::f32 && to.dtype() == DType::f64) return widen<float, double>(from, to);
  if (from.dtype() == DType::i32 && to.dtype() == DType::i64) return widen<int32_t, int64_t>(from, to);
  fail(ErrorCode::internal, "{} {}: {} does not become {} at a model's border", kind, name, to_string(from.type()), to_string(to.type()));
}

}  // namespace ropeway
