#include "cpu/kernels/depthwise.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/kernels/depthwise.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "cpu/kernels/clamp-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ropeway::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;
constexpr int kLanes = static_cast<int>(hn::MaxLanes(D()));  // one on the scalar target, whatever HWY_MAX_BYTES says

// kPixels neighbouring pixels of the `lane`-th part of the block: enough independent sums to hide the latency of multiply-add.
template <int kPixels>
HWY_INLINE void pixels_of(const DepthwiseRow& row, int64_t pixel, int lane) {
  const D d;
  const float* in = row.in + pixel * row.pixel_stride + lane;
  V sum[kPixels];
#pragma GCC unroll 8
  for (int i = 0; i < kPixels; ++i) sum[i] = hn::LoadU(d, row.bias + lane);
  for (int64_t t = 0; t < row.taps; ++t) {
    const V weight = hn::LoadU(d, row.weights + t * 16 + lane);
    const float* at = in + row.tap_offsets[t];
#pragma GCC unroll 8
    for (int i = 0; i < kPixels; ++i) sum[i] = hn::MulAdd(hn::LoadU(d, at + i * row.pixel_stride), weight, sum[i]);
  }
#pragma GCC unroll 8
  for (int i = 0; i < kPixels; ++i) {
    const int64_t at = (pixel + i) * 16 + lane;
    if (row.residual != nullptr) sum[i] = hn::Add(sum[i], hn::LoadU(d, row.residual + at));
    hn::StoreU(clamped(sum[i], hn::Set(d, row.low), hn::Set(d, row.high)), d, row.out + at);
  }
}

void one_row(const DepthwiseRow& row) {
  for (int lane = 0; lane < 16; lane += kLanes) {
    int64_t pixel = 0;
    for (; pixel + 8 <= row.pixels; pixel += 8) pixels_of<8>(row, pixel, lane);
    for (; pixel + 2 <= row.pixels; pixel += 2) pixels_of<2>(row, pixel, lane);
    for (; pixel < row.pixels; ++pixel) pixels_of<1>(row, pixel, lane);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace ropeway::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ropeway::cpu {

HWY_EXPORT(one_row);
void depthwise_row(const DepthwiseRow& row) { HWY_DYNAMIC_DISPATCH(one_row)(row); }

}  // namespace ropeway::cpu
#endif  // HWY_ONCE
