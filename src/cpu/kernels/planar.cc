#include "cpu/kernels/planar.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/kernels/planar.cc"
#include <hwy/foreach_target.h>
#include "cpu/kernels/clamp-inl.h"
#include "cpu/kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ropeway::cpu {
namespace HWY_NAMESPACE {

// As many accumulators as leave registers for the inputs and a weight.
constexpr int kVectors = HWY_MAX_BYTES >= 64 ? 4 : 2;

// kOutputs channels of up to kVectors vectors of pixels.
template <int kOutputs>
void pixels_of(const PlanarRow& row, int64_t begin, int64_t count) {
  V sum[kOutputs][kVectors];
#pragma GCC unroll 8
  for (int o = 0; o < kOutputs; ++o) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) sum[o][v] = set(row.bias[o]);
  }
  const float* weights = row.weights;
  for (int64_t k = 0; k < row.taps; ++k, weights += kOutputs) {
    const float* in = row.in + row.tap_offsets[k] + begin;
    V pixel[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) pixel[v] = load(in + v * kLanes);
#pragma GCC unroll 8
    for (int o = 0; o < kOutputs; ++o) {
      const V weight = set(weights[o]);
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) sum[o][v] = hn::MulAdd(weight, pixel[v], sum[o][v]);
    }
  }
  const V low = set(row.low), high = set(row.high);
#pragma GCC unroll 8
  for (int o = 0; o < kOutputs; ++o) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      const int64_t left = count - v * kLanes;
      if (left <= 0) break;
      const int64_t at = o * row.plane_stride + begin + v * kLanes;
      V result = sum[o][v];
      if (left >= kLanes) {
        if (row.residual != nullptr) result = hn::Add(result, load(row.residual + at));
        store(clamped(result, low, high), row.out + at);
      } else {
        if (row.residual != nullptr) result = hn::Add(result, load_first(row.residual + at, left));
        store_first(clamped(result, low, high), row.out + at, left);
      }
    }
  }
}

template <int kOutputs>
void whole_row(const PlanarRow& row) {
  for (int64_t begin = 0; begin < row.pixels; begin += kVectors * kLanes) pixels_of<kOutputs>(row, begin, std::min(kVectors * kLanes, row.pixels - begin));
}

void one_row(const PlanarRow& row) {
  switch (row.outputs) {
    case 1: return whole_row<1>(row);
    case 2: return whole_row<2>(row);
    case 3: return whole_row<3>(row);
    case 4: return whole_row<4>(row);
    case 5: return whole_row<5>(row);
    default: return whole_row<kMaxPlanarOutputs>(row);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace ropeway::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ropeway::cpu {

HWY_EXPORT(one_row);
void planar_row(const PlanarRow& row) { HWY_DYNAMIC_DISPATCH(one_row)(row); }

}  // namespace ropeway::cpu
#endif  // HWY_ONCE
