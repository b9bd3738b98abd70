#include "cpu/kernels/pool.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/kernels/pool.cc"
#include <hwy/foreach_target.h>
#include "cpu/kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ropeway::cpu {
namespace HWY_NAMESPACE {

// All taps of a cell combined by f.
template <class F>
HWY_INLINE V gather_taps(const float* image, int64_t width, const PoolSpan& row, const PoolSpan& column, V start, F f) {
  V result = start;
  for (int64_t y = 0; y < row.taps; ++y) {
    const float* at = image + ((row.first + y * row.step) * width + column.first) * 16;
    for (int64_t x = 0; x < column.taps; ++x, at += column.step * 16) result = f(result, load(at));
  }
  return result;
}

void max_row(const float* image, int64_t width, const PoolSpan& row, const PoolSpan* columns, int64_t count, float* out) {
  for (int64_t lane = 0; lane < 16; lane += kLanes) {
    for (int64_t i = 0; i < count; ++i) {
      const V first = load(image + (row.first * width + columns[i].first) * 16 + lane);
      store(gather_taps(image + lane, width, row, columns[i], first, [](V a, V b) { return larger(a, b); }), out + i * 16 + lane);
    }
  }
}

void average_row(const float* image, int64_t width, const PoolSpan& row, const PoolSpan* columns, int64_t count, float* out) {
  for (int64_t lane = 0; lane < 16; lane += kLanes) {
    for (int64_t i = 0; i < count; ++i) {
      const V sum = gather_taps(image + lane, width, row, columns[i], hn::Zero(D()), [](V a, V b) { return hn::Add(a, b); });
      store(hn::Mul(sum, set(row.scale * columns[i].scale)), out + i * 16 + lane);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace ropeway::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ropeway::cpu {

HWY_EXPORT(max_row);
HWY_EXPORT(average_row);

void max_pool_row(const float* image, int64_t width, const PoolSpan& row, const PoolSpan* columns, int64_t count, float* out) {
  HWY_DYNAMIC_DISPATCH(max_row)(image, width, row, columns, count, out);
}
void average_pool_row(const float* image, int64_t width, const PoolSpan& row, const PoolSpan* columns, int64_t count, float* out) {
  HWY_DYNAMIC_DISPATCH(average_row)(image, width, row, columns, count, out);
}

}  // namespace ropeway::cpu
#endif  // HWY_ONCE
