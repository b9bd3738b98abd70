#include "cpu/kernels/pool.h"

#include <algorithm>

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

// As `larger`, of two numbers.
HWY_INLINE float larger_of(float a, float b) { return a > b || a != a ? a : b; }

void max_row(const float* image, int64_t width, const PoolSpan& row, const PoolSpan* columns, int64_t count, float* out) {
  for (int64_t lane = 0; lane < 16; lane += kLanes) {
    for (int64_t i = 0; i < count; ++i) {
      const V first = load(image + (row.first * width + columns[i].first) * 16 + lane);
      store(gather_taps(image + lane, width, row, columns[i], first, [](V a, V b) { return larger(a, b); }), out + i * 16 + lane);
    }
  }
}

// Elements at equal distances. Of distance 2, by far the most frequent, also reads the one behind the last.
HWY_INLINE V load_apart(const float* from, int64_t distance) {
  if (distance == 2) {
    V even, odd;
    hn::LoadInterleaved2(D(), from, even, odd);
    return even;
  }
  const hn::RebindToSigned<D> di;
  return hn::GatherIndex(D(), from, hn::Mul(hn::Iota(di, 0), hn::Set(di, static_cast<int32_t>(distance))));
}

void max_plain_row(const float* image, int64_t width, const PoolSpan& row, const PoolSpan* columns, int64_t count, float* out) {
  constexpr int64_t kPixels = 512;  // of input at a time
  HWY_ALIGN float highest[kPixels + 1];
  for (int64_t i = 0; i < count;) {
    // What windows i … last - 1 read. Over the padding, a window may begin behind the next one, when it is dilated.
    int64_t begin = columns[i].first, end = begin, last = i;
    for (; last < count; ++last) {
      const int64_t first = std::min(begin, columns[last].first), reaches = std::max(end, columns[last].first + (columns[last].taps - 1) * columns[last].step + 1);
      if (last > i && reaches - first > kPixels) break;
      begin = first, end = reaches;
    }
    const float* from = image + row.first * width + begin;
    if (end - begin > kPixels) {  // one window wider than the buffer
      float result = from[0];  // begin is its first column
      for (int64_t y = 0; y < row.taps; ++y) {
        for (int64_t x = 0; x < columns[i].taps; ++x) result = larger_of(result, from[y * row.step * width + x * columns[i].step]);
      }
      out[i++] = result;
      continue;
    }
    map(from, highest, end - begin, [](V x) { return x; });
    for (int64_t y = 1; y < row.taps; ++y) {
      const float* at = from + y * row.step * width;
      int64_t x = 0;
      for (; x + kLanes <= end - begin; x += kLanes) store(larger(load(highest + x), load(at + x)), highest + x);
      for (; x < end - begin; ++x) highest[x] = larger_of(highest[x], at[x]);
    }
    while (i < last) {
      const PoolSpan& column = columns[i];
      const float* at = highest + column.first - begin;
      if (kLanes > 1 && std::min(column.alike, last - i) >= kLanes) {
        const int64_t distance = columns[i + 1].first - column.first;
        V result = load_apart(at, distance);
        for (int64_t x = 1; x < column.taps; ++x) result = larger(result, load_apart(at + x * column.step, distance));
        store(result, out + i);
        i += kLanes;
        continue;
      }
      float result = at[0];
      for (int64_t x = 1; x < column.taps; ++x) result = larger_of(result, at[x * column.step]);
      out[i++] = result;
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
HWY_EXPORT(max_plain_row);
HWY_EXPORT(average_row);

void max_pool_row(const float* image, int64_t width, const PoolSpan& row, const PoolSpan* columns, int64_t count, float* out) {
  HWY_DYNAMIC_DISPATCH(max_row)(image, width, row, columns, count, out);
}
void max_pool_plain_row(const float* image, int64_t width, const PoolSpan& row, const PoolSpan* columns, int64_t count, float* out) {
  HWY_DYNAMIC_DISPATCH(max_plain_row)(image, width, row, columns, count, out);
}
void average_pool_row(const float* image, int64_t width, const PoolSpan& row, const PoolSpan* columns, int64_t count, float* out) {
  HWY_DYNAMIC_DISPATCH(average_row)(image, width, row, columns, count, out);
}

}  // namespace ropeway::cpu
#endif  // HWY_ONCE
