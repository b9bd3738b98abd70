#include "cpu/kernels/gemv.h"

#include <algorithm>

#include "cpu/kernels/half.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/kernels/gemv.cc"
#include <hwy/foreach_target.h>
#include "cpu/kernels/weights-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ropeway::cpu {
namespace HWY_NAMESPACE {

constexpr int64_t kStep = kHalfElements;  // elements of each row at a time

// sums[r] of kRows rows at once. Blocks of kStep elements lie `row_stride` apart from row to row, `block_stride` from each to the row's next.
template <int kRows, class W>
HWY_INLINE void rows_of(const W* HWY_RESTRICT w, int64_t row_stride, int64_t block_stride, const float* HWY_RESTRICT x, int64_t depth, float* HWY_RESTRICT sums) {
  V sum[kRows];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) sum[r] = set(0);
  int64_t k = 0;
  for (; k + kStep <= depth; k += kStep, w += block_stride) {
#pragma GCC unroll 4
    for (int64_t i = 0; i < kStep; i += kLanes) {
      const V part = load(x + k + i);
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) sum[r] = hn::MulAdd(load_weights(w + r * row_stride + i), part, sum[r]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
    sums[r] = hn::GetLane(hn::SumOfLanes(D(), sum[r]));
    for (int64_t i = 0; k + i < depth; ++i) sums[r] += weight(w + r * row_stride + i) * x[k + i];
  }
}

void add_bias(const float* sums, const float* bias, float* y, int64_t begin, int64_t count) {
  for (int64_t r = 0; r < count; ++r) y[begin + r] = bias != nullptr ? sums[r] + bias[begin + r] : sums[r];
}

void multiply(const float* w, const float* x, const float* bias, float* y, int64_t depth, int64_t begin, int64_t end) {
  float sums[4];
  int64_t n = begin;
  for (; n + 4 <= end; n += 4) {
    rows_of<4>(w + n * depth, depth, kStep, x, depth, sums);
    add_bias(sums, bias, y, n, 4);
  }
  for (; n < end; ++n) {
    rows_of<1>(w + n * depth, depth, kStep, x, depth, sums);
    add_bias(sums, bias, y, n, 1);
  }
}

void multiply_half(const uint16_t* packed, const float* x, const float* bias, float* y, int64_t depth, int64_t begin, int64_t end) {
  float sums[kHalfRows];
  for (int64_t n = begin; n < end; n += kHalfRows) {
    rows_of<kHalfRows>(packed + packed_half_size(n, depth), kStep, kHalfRows * kStep, x, depth, sums);
    add_bias(sums, bias, y, n, std::min(kHalfRows, end - n));
  }
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

HWY_EXPORT(multiply_half);
void multiply_vector_half(const uint16_t* packed, const float* x, const float* bias, float* y, int64_t depth, int64_t begin, int64_t end) {
  HWY_DYNAMIC_DISPATCH(multiply_half)(packed, x, bias, y, depth, begin, end);
}

int64_t packed_half_size(int64_t rows, int64_t depth) {
  return (rows + kHalfRows - 1) / kHalfRows * ((depth + kHalfElements - 1) / kHalfElements) * kHalfRows * kHalfElements;
}

void pack_half(const HalfPart& part, int64_t depth, uint16_t* packed) {
  constexpr int64_t kElements = kHalfElements;
  for (int64_t n = 0; n < part.rows; n += kHalfRows) {
    const int64_t rows = std::min(kHalfRows, part.rows - n);
    for (int64_t k = 0; k < part.elements; k += kElements) {
      const int64_t elements = std::min(kElements, part.elements - k);
      const float* const from = part.w + n * part.row_stride + k * part.k_stride;
      float block[kHalfRows * kElements] = {};
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t i = 0; i < elements; ++i) block[r * kElements + i] = from[r * part.row_stride + i * part.k_stride];
      }
      to_f16(block, packed + packed_half_size(part.first_row + n, depth) + (part.first_k + k) * kHalfRows, kHalfRows * kElements);
    }
  }
}

}  // namespace ropeway::cpu
#endif  // HWY_ONCE
