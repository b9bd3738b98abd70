// Reduction of a contiguous row. Included once per SIMD target.
#if defined(ROPEWAY_CPU_KERNELS_REDUCE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ROPEWAY_CPU_KERNELS_REDUCE_INL_H
#undef ROPEWAY_CPU_KERNELS_REDUCE_INL_H
#else
#define ROPEWAY_CPU_KERNELS_REDUCE_INL_H
#endif

#include "cpu/kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ropeway::cpu {
namespace HWY_NAMESPACE {

// combine over transform(in[i]) of a row of at least one element. Where the last vector is not full, `filler` stands in for
// the missing elements: transform(filler) must change nothing. Four accumulators hide the latency and keep sums exact for longer.
template <class Transform, class Combine>
HWY_INLINE float reduce_row(const float* in, int64_t length, float filler, Transform transform, Combine combine) {
  if (length < kLanes) return fold(transform(load_first(in, length, filler)), combine);
  V sum = transform(load(in));
  int64_t i = kLanes;
  if (length >= 4 * kLanes) {
    V s1 = transform(load(in + kLanes)), s2 = transform(load(in + 2 * kLanes)), s3 = transform(load(in + 3 * kLanes));
    for (i = 4 * kLanes; i + 4 * kLanes <= length; i += 4 * kLanes) {
      sum = combine(sum, transform(load(in + i)));
      s1 = combine(s1, transform(load(in + i + kLanes)));
      s2 = combine(s2, transform(load(in + i + 2 * kLanes)));
      s3 = combine(s3, transform(load(in + i + 3 * kLanes)));
    }
    sum = combine(combine(sum, s1), combine(s2, s3));
  }
  for (; i + kLanes <= length; i += kLanes) sum = combine(sum, transform(load(in + i)));
  if (i < length) sum = combine(sum, transform(load_first(in + i, length - i, filler)));
  return fold(sum, combine);
}

}  // namespace HWY_NAMESPACE
}  // namespace ropeway::cpu
HWY_AFTER_NAMESPACE();

#endif
