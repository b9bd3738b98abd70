// What every kernel file starts from: the vector, loads and stores of incomplete vectors, comparisons that keep NaN.
// Included once per SIMD target, as Highway's -inl headers are.
#if defined(ROPEWAY_CPU_KERNELS_VECTOR_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ROPEWAY_CPU_KERNELS_VECTOR_INL_H
#undef ROPEWAY_CPU_KERNELS_VECTOR_INL_H
#else
#define ROPEWAY_CPU_KERNELS_VECTOR_INL_H
#endif

#include <hwy/highway.h>

#include <cstdint>
#include <cstring>

HWY_BEFORE_NAMESPACE();
namespace ropeway::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// A vector no wider than a block of 16 floats.
using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;
constexpr int64_t kLanes = hn::MaxLanes(D());

HWY_INLINE V load(const float* from) { return hn::LoadU(D(), from); }
HWY_INLINE void store(V v, float* to) { hn::StoreU(v, D(), to); }
HWY_INLINE V set(float value) { return hn::Set(D(), value); }

// The first n < kLanes elements, without touching what lies behind them; the other lanes hold `rest`.
HWY_INLINE V load_first(const float* from, int64_t n, float rest = 0) {
  HWY_ALIGN float lanes[kLanes];
  hn::Store(set(rest), D(), lanes);
  std::memcpy(lanes, from, static_cast<size_t>(n) * sizeof(float));
  return hn::Load(D(), lanes);
}
HWY_INLINE void store_first(V v, float* to, int64_t n) {
  HWY_ALIGN float lanes[kLanes];
  hn::Store(v, D(), lanes);
  std::memcpy(to, lanes, static_cast<size_t>(n) * sizeof(float));
}

// out[i] = f(in[i]) for vectors of elements; `in` may be `out`.
template <class F>
HWY_INLINE void map(const float* in, float* out, int64_t count, F f) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store(f(load(in + i)), out + i);
  if (i < count) store_first(f(load_first(in + i, count - i)), out + i, count - i);
}

// The larger or smaller element; NaN where either is NaN. Highway's Max and Min leave that to the target.
HWY_INLINE V larger(V a, V b) { return hn::IfThenElse(hn::Or(hn::IsNaN(a), hn::Gt(a, b)), a, b); }
HWY_INLINE V smaller(V a, V b) { return hn::IfThenElse(hn::Or(hn::IsNaN(a), hn::Lt(a, b)), a, b); }

// All lanes combined by f, in order.
template <class F>
HWY_INLINE float fold(V v, F f) {
  HWY_ALIGN float lanes[kLanes];
  hn::Store(v, D(), lanes);
  V result = set(lanes[0]);
  for (int64_t i = 1; i < kLanes; ++i) result = f(result, set(lanes[i]));
  return hn::GetLane(result);
}

}  // namespace HWY_NAMESPACE
}  // namespace ropeway::cpu
HWY_AFTER_NAMESPACE();

#endif
