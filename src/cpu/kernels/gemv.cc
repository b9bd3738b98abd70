#include "cpu/kernels/gemv.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/kernels/gemv.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ropeway::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// kRows rows at once, two vectors of each in flight.
template <int kRows>
HWY_INLINE void rows_of(const float* HWY_RESTRICT w, const float* HWY_RESTRICT x, const float* bias, float* y, int64_t depth) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  V even[kRows], odd[kRows];
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) even[r] = odd[r] = hn::Zero(d);
  int64_t k = 0;
  for (; k + 2 * lanes <= depth; k += 2 * lanes) {
    const V x0 = hn::LoadU(d, x + k);
    const V x1 = hn::LoadU(d, x + k + lanes);
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      even[r] = hn::MulAdd(hn::LoadU(d, w + r * depth + k), x0, even[r]);
      odd[r] = hn::MulAdd(hn::LoadU(d, w + r * depth + k + lanes), x1, odd[r]);
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) {
    float sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(even[r], odd[r])));
    for (int64_t i = k; i < depth; ++i) sum += w[r * depth + i] * x[i];
    y[r] = bias != nullptr ? sum + bias[r] : sum;
  }
}

void multiply(const float* w, const float* x, const float* bias, float* y, int64_t depth, int64_t begin, int64_t end) {
  int64_t n = begin;
  const auto bias_at = [&](int64_t i) { return bias == nullptr ? nullptr : bias + i; };
  for (; n + 4 <= end; n += 4) rows_of<4>(w + n * depth, x, bias_at(n), y + n, depth);
  for (; n < end; ++n) rows_of<1>(w + n * depth, x, bias_at(n), y + n, depth);
}

}  // namespace HWY_NAMESPACE
}  // namespace ropeway::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ropeway::cpu {

HWY_EXPORT(multiply);
void multiply_vector(const float* w, const float* x, const float* bias, float* y, int64_t depth, int64_t begin, int64_t end) {
  HWY_DYNAMIC_DISPATCH(multiply)(w, x, bias, y, depth, begin, end);
}

}  // namespace ropeway::cpu
#endif  // HWY_ONCE
