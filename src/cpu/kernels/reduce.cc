#include "cpu/kernels/reduce.h"

#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/kernels/reduce.cc"
#include <hwy/foreach_target.h>
#include "cpu/kernels/reduce-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ropeway::cpu {
namespace HWY_NAMESPACE {

// Calls f(combine, what changes nothing).
template <class F>
HWY_INLINE void with_function(ReduceFunction function, F f) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  switch (function) {
    case ReduceFunction::max: return f([](V a, V b) { return larger(a, b); }, -kInfinity);
    case ReduceFunction::min: return f([](V a, V b) { return smaller(a, b); }, kInfinity);
    case ReduceFunction::prod: return f([](V a, V b) { return hn::Mul(a, b); }, 1.0f);
    case ReduceFunction::mean:
    case ReduceFunction::sum: return f([](V a, V b) { return hn::Add(a, b); }, 0.0f);
  }
}

float row(ReduceFunction function, const float* in, int64_t length) {
  float result = 0;
  with_function(function, [&](auto combine, float filler) { result = reduce_row(in, length, filler, [](V x) { return x; }, combine); });
  return function == ReduceFunction::mean ? result / static_cast<float>(length) : result;
}

template <class Combine>
HWY_INLINE void reduce_all_columns(const float* in, int64_t stride, int64_t length, float divisor, float* out, int64_t width, Combine combine) {
  const V by = set(divisor);
  int64_t c = 0;
  for (; c + 4 * kLanes <= width; c += 4 * kLanes) {
    const float* at = in + c;
    V s0 = load(at), s1 = load(at + kLanes), s2 = load(at + 2 * kLanes), s3 = load(at + 3 * kLanes);
    for (int64_t i = 1; i < length; ++i) {
      at += stride;
      s0 = combine(s0, load(at));
      s1 = combine(s1, load(at + kLanes));
      s2 = combine(s2, load(at + 2 * kLanes));
      s3 = combine(s3, load(at + 3 * kLanes));
    }
    store(hn::Div(s0, by), out + c);
    store(hn::Div(s1, by), out + c + kLanes);
    store(hn::Div(s2, by), out + c + 2 * kLanes);
    store(hn::Div(s3, by), out + c + 3 * kLanes);
  }
  for (; c < width; c += kLanes) {
    const int64_t left = width - c;
    const auto get = [=](int64_t i) { return left >= kLanes ? load(in + i * stride + c) : load_first(in + i * stride + c, left); };
    V sum = get(0);
    for (int64_t i = 1; i < length; ++i) sum = combine(sum, get(i));
    if (left >= kLanes) {
      store(hn::Div(sum, by), out + c);
    } else {
      store_first(hn::Div(sum, by), out + c, left);
    }
  }
}

void columns(ReduceFunction function, const float* in, int64_t stride, int64_t length, float* out, int64_t width) {
  const float divisor = function == ReduceFunction::mean ? static_cast<float>(length) : 1.0f;
  with_function(function, [&](auto combine, float) { reduce_all_columns(in, stride, length, divisor, out, width, combine); });
}

}  // namespace HWY_NAMESPACE
}  // namespace ropeway::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ropeway::cpu {

HWY_EXPORT(row);
HWY_EXPORT(columns);

float reduce_contiguous(ReduceFunction function, const float* in, int64_t length) { return HWY_DYNAMIC_DISPATCH(row)(function, in, length); }
void reduce_columns(ReduceFunction function, const float* in, int64_t stride, int64_t length, float* out, int64_t width) {
  HWY_DYNAMIC_DISPATCH(columns)(function, in, stride, length, out, width);
}

}  // namespace ropeway::cpu
#endif  // HWY_ONCE
