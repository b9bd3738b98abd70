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

// Loaded once: GCC would read the memory again for each product, which costs 17 cycles a vector of 9 taps in place of 10.
HWY_INLINE V in_register(V v) {
#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
  asm("" : "+v"(v.raw));
#endif
  return v;
}

HWY_INLINE void finish(const DepthwiseRow& row, int64_t pixel, int lane, V sum) {
  const D d;
  const int64_t at = pixel * 16 + lane;
  if (row.residual != nullptr) sum = hn::Add(sum, hn::LoadU(d, row.residual + at));
  hn::StoreU(clamped(sum, hn::Set(d, row.low), hn::Set(d, row.high)), d, row.out + at);
}

// kPixels neighbouring pixels of the `lane`-th part of the block, kTaps taps side by side. An input pixel is loaded once for all sums that it belongs to.
// kInside: no tap is over the padding.
template <int kTaps, int kStride, int kPixels, bool kInside>
HWY_INLINE void group(const DepthwiseRow& row, int64_t pixel, int lane) {
  const D d;
  const int64_t first = pixel * kStride - row.left;
  V sum[kPixels];
#pragma GCC unroll 8
  for (int i = 0; i < kPixels; ++i) sum[i] = hn::LoadU(d, row.bias + lane);
  for (int64_t y = 0; y < row.tap_rows; ++y) {
    V weight[kTaps];
#pragma GCC unroll 8
    for (int x = 0; x < kTaps; ++x) weight[x] = hn::LoadU(d, row.weights + (y * kTaps + x) * 16 + lane);
    const float* in = row.in + y * row.tap_row_stride + first * 16 + lane;
#pragma GCC unroll 32
    for (int column = 0; column < (kPixels - 1) * kStride + kTaps; ++column) {
      if (!kInside && static_cast<uint64_t>(first + column) >= static_cast<uint64_t>(row.width)) continue;
      const V input = in_register(hn::LoadU(d, in + column * 16));
#pragma GCC unroll 8
      for (int i = 0; i < kPixels; ++i) {
        const int x = column - i * kStride;
        if (x >= 0 && x < kTaps) sum[i] = hn::MulAdd(input, weight[x], sum[i]);
      }
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < kPixels; ++i) finish(row, pixel + i, lane, sum[i]);
}

// The whole row by groups of kPixels; the last one begins early enough to be whole.
template <int kTaps, int kStride, int kPixels>
HWY_NOINLINE void groups(const DepthwiseRow& row) {
  constexpr int64_t kSpan = (kPixels - 1) * kStride + kTaps;
  for (int lane = 0; lane < 16; lane += kLanes) {
    for (int64_t begin = 0; begin < row.pixels; begin += kPixels) {
      const int64_t pixel = begin + kPixels <= row.pixels ? begin : row.pixels - kPixels, first = pixel * kStride - row.left;
      if (first >= 0 && first + kSpan <= row.width) {
        group<kTaps, kStride, kPixels, true>(row, pixel, lane);
      } else {
        group<kTaps, kStride, kPixels, false>(row, pixel, lane);
      }
    }
  }
}

// Any number of taps, stride and dilation. Taps [begin, end) of kPixels pixels, none of them over the padding.
template <int kPixels>
HWY_INLINE void any_group(const DepthwiseRow& row, int64_t pixel, int lane, int64_t begin, int64_t end) {
  const D d;
  V sum[kPixels];
#pragma GCC unroll 8
  for (int i = 0; i < kPixels; ++i) sum[i] = hn::LoadU(d, row.bias + lane);
  for (int64_t y = 0; y < row.tap_rows; ++y) {
    for (int64_t x = begin; x < end; ++x) {
      const V weight = hn::LoadU(d, row.weights + (y * row.tap_columns + x) * 16 + lane);
      const float* in = row.in + y * row.tap_row_stride + (pixel * row.stride + x * row.dilation - row.left) * 16 + lane;
#pragma GCC unroll 8
      for (int i = 0; i < kPixels; ++i) sum[i] = hn::MulAdd(hn::LoadU(d, in + i * row.stride * 16), weight, sum[i]);
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < kPixels; ++i) finish(row, pixel + i, lane, sum[i]);
}

HWY_NOINLINE void any_row(const DepthwiseRow& row) {
  constexpr int64_t kPixels = 8;
  const int64_t span = (kPixels - 1) * row.stride + (row.tap_columns - 1) * row.dilation + 1;
  for (int lane = 0; lane < 16; lane += kLanes) {
    for (int64_t pixel = 0; pixel < row.pixels;) {
      const int64_t first = pixel * row.stride - row.left;
      if (pixel + kPixels <= row.pixels && first >= 0 && first + span <= row.width) {
        any_group<kPixels>(row, pixel, lane, 0, row.tap_columns);
        pixel += kPixels;
        continue;
      }
      int64_t begin = 0, end = row.tap_columns;
      while (begin < end && first + begin * row.dilation < 0) ++begin;
      while (begin < end && first + (end - 1) * row.dilation >= row.width) --end;
      any_group<1>(row, pixel, lane, begin, end);
      ++pixel;
    }
  }
}

template <int kTaps>
void row_of(const DepthwiseRow& row) {
  if (row.dilation != 1 || row.stride > 2 || row.pixels < 4) return any_row(row);
  if (row.stride == 1) return row.pixels < 8 ? groups<kTaps, 1, 4>(row) : groups<kTaps, 1, 8>(row);
  return row.pixels < 8 ? groups<kTaps, 2, 4>(row) : groups<kTaps, 2, 8>(row);
}

void one_row(const DepthwiseRow& row) {
  switch (row.tap_columns) {
    case 3: return row_of<3>(row);
    case 5: return row_of<5>(row);
    case 7: return row_of<7>(row);
    default: return any_row(row);
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
