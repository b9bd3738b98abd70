#include "cpu/kernels/normalize.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/kernels/normalize.cc"
#include <hwy/foreach_target.h>
#include "cpu/kernels/math-inl.h"
#include "cpu/kernels/reduce-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ropeway::cpu {
namespace HWY_NAMESPACE {

template <bool kLog>
HWY_INLINE void softmax_of_row(const float* in, float* out, int64_t length) {
  constexpr float kLowest = -std::numeric_limits<float>::infinity();
  const V top = set(reduce_row(in, length, kLowest, [](V x) { return x; }, [](V a, V b) { return larger(a, b); }));
  const auto plus = [](V a, V b) { return hn::Add(a, b); };
  if constexpr (kLog) {
    const float sum = reduce_row(in, length, kLowest, [=](V x) { return exp_of(hn::Sub(x, top)); }, plus);
    const V log_sum = log_of(set(sum));
    map(in, out, length, [=](V x) { return hn::Sub(hn::Sub(x, top), log_sum); });
  } else {
    map(in, out, length, [=](V x) { return exp_of(hn::Sub(x, top)); });
    const V factor = set(1.0f / reduce_row(out, length, 0.0f, [](V x) { return x; }, plus));
    map(out, out, length, [=](V x) { return hn::Mul(x, factor); });
  }
}

float exponentials(float* values, int64_t length) {
  constexpr float kLowest = -std::numeric_limits<float>::infinity();
  const float largest = reduce_row(values, length, kLowest, [](V x) { return x; }, [](V a, V b) { return larger(a, b); });
  if (largest == kLowest) {
    std::fill(values, values + length, 0.0f);
    return 0;
  }
  const V top = set(largest);
  V even = hn::Zero(D()), odd = hn::Zero(D());
  int64_t i = 0;
  for (; i + 2 * kLanes <= length; i += 2 * kLanes) {
    const V first = exp_of_negative(hn::Sub(load(values + i), top)), second = exp_of_negative(hn::Sub(load(values + i + kLanes), top));
    store(first, values + i);
    store(second, values + i + kLanes);
    even = hn::Add(even, first);
    odd = hn::Add(odd, second);
  }
  for (; i < length; i += kLanes) {
    const int64_t left = length - i < kLanes ? length - i : kLanes;
    const V last = exp_of_negative(hn::Sub(left == kLanes ? load(values + i) : load_first(values + i, left, kLowest), top));
    left == kLanes ? store(last, values + i) : store_first(last, values + i, left);
    even = hn::Add(even, last);
  }
  return fold(hn::Add(even, odd), [](V a, V b) { return hn::Add(a, b); });
}

// The softmax of one vector's lanes along `length` vectors; `get` and `put` load and store the i-th.
template <bool kLog, class Get, class Put>
HWY_INLINE void softmax_of_column(int64_t length, Get get, Put put) {
  V top = get(0);
  for (int64_t i = 1; i < length; ++i) top = larger(top, get(i));
  V sum = hn::Zero(D());
  for (int64_t i = 0; i < length; ++i) sum = hn::Add(sum, exp_of(hn::Sub(get(i), top)));
  const V scale = kLog ? log_of(sum) : hn::Div(set(1.0f), sum);
  for (int64_t i = 0; i < length; ++i) {
    const V x = hn::Sub(get(i), top);
    put(i, kLog ? hn::Sub(x, scale) : hn::Mul(exp_of(x), scale));
  }
}

template <bool kLog>
HWY_INLINE void softmax_of_columns(const float* in, float* out, int64_t length, int64_t width, int64_t stride) {
  int64_t c = 0;
  for (; c + kLanes <= width; c += kLanes) {
    softmax_of_column<kLog>(length, [=](int64_t i) { return load(in + i * stride + c); }, [=](int64_t i, V v) { store(v, out + i * stride + c); });
  }
  const int64_t left = width - c;
  if (left == 0) return;
  softmax_of_column<kLog>(length, [=](int64_t i) { return load_first(in + i * stride + c, left); }, [=](int64_t i, V v) { store_first(v, out + i * stride + c, left); });
}

void softmax_in_row(const float* in, float* out, int64_t length) { softmax_of_row<false>(in, out, length); }
void log_softmax_in_row(const float* in, float* out, int64_t length) { softmax_of_row<true>(in, out, length); }
void softmax_in_columns(const float* in, float* out, int64_t length, int64_t width, int64_t stride) { softmax_of_columns<false>(in, out, length, width, stride); }
void log_softmax_in_columns(const float* in, float* out, int64_t length, int64_t width, int64_t stride) { softmax_of_columns<true>(in, out, length, width, stride); }

void layer_norm(const float* in, const float* scale, const float* shift, float epsilon, float* out, int64_t length) {
  const auto plus = [](V a, V b) { return hn::Add(a, b); };
  const float mean = reduce_row(in, length, 0.0f, [](V x) { return x; }, plus) / static_cast<float>(length);
  const V center = set(mean);
  // Lanes beyond the row hold the mean, so that they add nothing.
  const float squares = reduce_row(in, length, mean, [=](V x) { return hn::Mul(hn::Sub(x, center), hn::Sub(x, center)); }, plus);
  const V factor = hn::Div(set(1.0f), hn::Sqrt(set(squares / static_cast<float>(length) + epsilon)));
  const auto one = [=](V x, V by, V plus_this) { return hn::MulAdd(hn::Mul(hn::Sub(x, center), factor), by, plus_this); };
  int64_t i = 0;
  for (; i + kLanes <= length; i += kLanes) {
    store(one(load(in + i), scale == nullptr ? set(1.0f) : load(scale + i), shift == nullptr ? hn::Zero(D()) : load(shift + i)), out + i);
  }
  const int64_t left = length - i;
  if (left == 0) return;
  store_first(one(load_first(in + i, left), scale == nullptr ? set(1.0f) : load_first(scale + i, left), shift == nullptr ? hn::Zero(D()) : load_first(shift + i, left)), out + i,
              left);
}

void scale_shift_run(const float* in, float scale, float shift, float* out, int64_t count) {
  const V factor = set(scale), offset = set(shift);
  map(in, out, count, [=](V x) { return hn::MulAdd(x, factor, offset); });
}

void scale_shift_periods(const float* in, const float* scale, const float* shift, int64_t period, float* out, int64_t groups) {
  int64_t c = 0;
  for (; c + kLanes <= period; c += kLanes) {
    const V factor = load(scale + c), offset = load(shift + c);
    for (int64_t g = 0; g < groups; ++g) store(hn::MulAdd(load(in + g * period + c), factor, offset), out + g * period + c);
  }
  const int64_t left = period - c;
  if (left == 0) return;
  const V factor = load_first(scale + c, left), offset = load_first(shift + c, left);
  for (int64_t g = 0; g < groups; ++g) store_first(hn::MulAdd(load_first(in + g * period + c, left), factor, offset), out + g * period + c, left);
}

}  // namespace HWY_NAMESPACE
}  // namespace ropeway::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ropeway::cpu {

HWY_EXPORT(exponentials);
HWY_EXPORT(softmax_in_row);
HWY_EXPORT(log_softmax_in_row);
HWY_EXPORT(softmax_in_columns);
HWY_EXPORT(log_softmax_in_columns);
HWY_EXPORT(layer_norm);
HWY_EXPORT(scale_shift_run);
HWY_EXPORT(scale_shift_periods);

float exponentials_of_row(float* values, int64_t length) { return HWY_DYNAMIC_DISPATCH(exponentials)(values, length); }
void softmax_row(const float* in, float* out, int64_t length) { HWY_DYNAMIC_DISPATCH(softmax_in_row)(in, out, length); }
void log_softmax_row(const float* in, float* out, int64_t length) { HWY_DYNAMIC_DISPATCH(log_softmax_in_row)(in, out, length); }
void softmax_columns(const float* in, float* out, int64_t length, int64_t width, int64_t stride) {
  HWY_DYNAMIC_DISPATCH(softmax_in_columns)(in, out, length, width, stride);
}
void log_softmax_columns(const float* in, float* out, int64_t length, int64_t width, int64_t stride) {
  HWY_DYNAMIC_DISPATCH(log_softmax_in_columns)(in, out, length, width, stride);
}
void layer_norm_row(const float* in, const float* scale, const float* shift, float epsilon, float* out, int64_t length) {
  HWY_DYNAMIC_DISPATCH(layer_norm)(in, scale, shift, epsilon, out, length);
}
void scale_shift(const float* in, float scale, float shift, float* out, int64_t count) { HWY_DYNAMIC_DISPATCH(scale_shift_run)(in, scale, shift, out, count); }
void scale_shift_groups(const float* in, const float* scale, const float* shift, int64_t period, float* out, int64_t groups) {
  HWY_DYNAMIC_DISPATCH(scale_shift_periods)(in, scale, shift, period, out, groups);
}

}  // namespace ropeway::cpu
#endif  // HWY_ONCE
