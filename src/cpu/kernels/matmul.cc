#include "cpu/kernels/matmul.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/kernels/matmul.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "cpu/kernels/clamp-inl.h"
#include "cpu/kernels/weights-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ropeway::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr int kBlockVectors = static_cast<int>(16 / kLanes);
// How rows of A are found: by a fixed distance, or by addresses of their own.
enum class Rows { blocked, addressed };

// Rows of a tile, so that accumulators, one row of B and a broadcast fit the registers; more than 14 addresses would not.
template <Rows kFound, int kVectors>
constexpr int kMaxRows =
#if HWY_MAX_BYTES >= 64
    kFound == Rows::blocked ? 28 / kVectors : 14;
#elif HWY_MAX_BYTES == 32 || HWY_TARGET == HWY_NEON
    6;
#else
    2;
#endif

// From p.c on, or from p.residual.
HWY_INLINE int64_t offset_of(const Panel& p, int64_t row, int64_t vector) { return row * p.c_row_stride + vector / kBlockVectors * p.c_block_stride + vector % kBlockVectors * kLanes; }

// Residual, clamp, and the store, for one vector of one row that lies partly beyond the matrix.
HWY_NOINLINE void finish_partly(const Panel& p, int64_t row, int64_t vector, V sum) {
  float* c = p.c + offset_of(p, row, vector);
  HWY_ALIGN float lanes[kLanes];
  hn::Store(sum, D(), lanes);
  const int64_t count = std::min<int64_t>(kLanes, p.columns - vector * kLanes);
  for (int64_t i = 0; i < count; ++i) {
    if (p.residual != nullptr) lanes[i] += p.residual[c - p.c + i];
    c[i] = std::min(std::max(lanes[i], p.low), p.high);  // in this order NaN stays
  }
}

// The same for a tile, from row `row` and vector `first` on.
template <int kRows, int kVectors>
HWY_INLINE void finish(const Panel& p, int64_t row, int64_t first, const V (&sum)[kRows][kVectors]) {
  const D d;
  // Copies: the compiler must assume that a store to c changes what p holds.
  const V low = hn::Set(d, p.low), high = hn::Set(d, p.high);
  float* const c = p.c;
  const float* const residual = p.residual;
  const bool whole = p.columns >= (first + kVectors) * kLanes;
  if (HWY_LIKELY(whole && residual == nullptr)) {
#pragma GCC unroll 32
    for (int m = 0; m < kRows; ++m) {
#pragma GCC unroll 32
      for (int v = 0; v < kVectors; ++v) hn::StoreU(clamped(sum[m][v], low, high), d, c + offset_of(p, row + m, first + v));
    }
  } else if (whole) {
#pragma GCC unroll 32
    for (int m = 0; m < kRows; ++m) {
#pragma GCC unroll 32
      for (int v = 0; v < kVectors; ++v) {
        const int64_t at = offset_of(p, row + m, first + v);
        hn::StoreU(clamped(hn::Add(sum[m][v], hn::LoadU(d, residual + at)), low, high), d, c + at);
      }
    }
  } else {
#pragma GCC unroll 32
    for (int m = 0; m < kRows; ++m) {
#pragma GCC unroll 32
      for (int v = 0; v < kVectors; ++v) finish_partly(p, row + m, first + v, sum[m][v]);
    }
  }
}

// Weights come from memory at each run, and a processor guesses too late what is read next; so they are asked for, into the second-level cache. ResNet-34 on one thread takes
// 28.3 ms with this, 32.8 without (AVX-512); 33.1 and 37.5 (AVX2). Behind the end of B it asks for what is not used; that is no access.
template <int kVectors, class W>
HWY_INLINE void ask_for(const W* b, int64_t block) {
  constexpr int64_t kRowsAhead = 128;
#pragma GCC unroll 2
  for (int v = 0; v < kVectors; v += kBlockVectors) __builtin_prefetch(b + kRowsAhead * kBlockColumns + v / kBlockVectors * block, 0, 2);
}

// sum += one column of A, element(m), times one row of B, whose blocks lie `block` apart.
template <int kRows, int kVectors, class W, class Element>
HWY_INLINE void add_outer_product(const W* HWY_RESTRICT b, int64_t block, V (&sum)[kRows][kVectors], Element element) {
  const D d;
  V row[kVectors];
#pragma GCC unroll 32
  for (int v = 0; v < kVectors; ++v) row[v] = load_weights(b + v / kBlockVectors * block + v % kBlockVectors * kLanes);
#pragma GCC unroll 32
  for (int m = 0; m < kRows; ++m) {
    const V factor = hn::Set(d, element(m));
#pragma GCC unroll 32
    for (int v = 0; v < kVectors; ++v) sum[m][v] = hn::MulAdd(factor, row[v], sum[m][v]);
  }
}

// kRows × kVectors tile, from row `row` and vector `first` on.
template <Rows kFound, int kRows, int kVectors, class W>
HWY_NOINLINE void tile(const Panel& p, const W* weights, int64_t row, int64_t first) {
  const D d;
  V sum[kRows][kVectors];
#pragma GCC unroll 32
  for (int v = 0; v < kVectors; ++v) {
    const V start = p.bias != nullptr ? hn::LoadU(d, p.bias + (first + v) * kLanes) : hn::Zero(d);
#pragma GCC unroll 32
    for (int m = 0; m < kRows; ++m) sum[m][v] = start;
  }
  const int64_t block_size = p.depth * kBlockColumns;
  const W* HWY_RESTRICT b = weights + first / kBlockVectors * block_size;
  if constexpr (kFound == Rows::blocked) {
    const float* block = p.a + row * 16;
    for (int64_t left = p.depth; left > 0; left -= 16, block += p.a_block_stride) {
      const float* HWY_RESTRICT a = block;
      for (const float* const end = a + std::min<int64_t>(left, 16); a < end; ++a, b += kBlockColumns) {
        ask_for<kVectors>(b, block_size);
        add_outer_product(b, block_size, sum, [a](int m) HWY_ATTR { return a[m * 16]; });
      }
    }
  } else {
    const float* a[kRows];
#pragma GCC unroll 32
    for (int m = 0; m < kRows; ++m) a[m] = p.a + p.row_offsets[row + m];
    const int32_t* HWY_RESTRICT k_offsets = p.k_offsets;
    for (int64_t k = 0; k < p.depth; ++k, b += kBlockColumns) {
      const int64_t offset = k_offsets[k];
      ask_for<kVectors>(b, block_size);
      add_outer_product(b, block_size, sum, [&a, offset](int m) HWY_ATTR { return a[m][offset]; });
    }
  }
  finish(p, row, first, sum);
}

template <Rows kFound, int kVectors, class W, int kRows = kMaxRows<kFound, kVectors>>
HWY_INLINE void tile_of(int64_t rows, const Panel& p, const W* weights, int64_t row, int64_t first) {
  if (rows == kRows) return tile<kFound, kRows, kVectors>(p, weights, row, first);
  if constexpr (kRows > 1) tile_of<kFound, kVectors, W, kRows - 1>(rows, p, weights, row, first);
}

// All rows, in tiles of nearly equal height.
template <Rows kFound, int kVectors, class W>
void tiles(const Panel& p, const W* weights, int64_t first) {
  constexpr int64_t kMost = kMaxRows<kFound, kVectors>;
  const int64_t count = (p.rows + kMost - 1) / kMost;
  for (int64_t t = 0, row = 0; t < count; ++t) {
    const int64_t end = p.rows * (t + 1) / count;
    tile_of<kFound, kVectors>(end - row, p, weights, row, first);
    row = end;
  }
}

template <class W>
void multiply_by(const Panel& p, const W* weights) {
  const int blocks = p.columns > kBlockColumns ? 2 : 1;
  if (p.row_offsets == nullptr) {
    for (int block = 0; block < blocks; ++block) tiles<Rows::blocked, kBlockVectors>(p, weights, block * kBlockVectors);
    return;
  }
#if HWY_MAX_BYTES >= 64
  if (blocks == 2) return tiles<Rows::addressed, 2>(p, weights, 0);
#endif
  for (int block = 0; block < blocks; ++block) tiles<Rows::addressed, kBlockVectors>(p, weights, block * kBlockVectors);
}

void multiply(const Panel& p) {
  if (p.b_half != nullptr) return multiply_by(p, p.b_half);
  multiply_by(p, p.b);
}

}  // namespace HWY_NAMESPACE
}  // namespace ropeway::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ropeway::cpu {

HWY_EXPORT(multiply);
void multiply_panel(const Panel& panel) { HWY_DYNAMIC_DISPATCH(multiply)(panel); }

void pack_blocks(const float* b, int64_t k_stride, int64_t n_stride, int64_t depth, int64_t columns, float* to) {
  for (int64_t begin = 0; begin < columns; begin += kBlockColumns) {
    const int64_t filled = std::min(kBlockColumns, columns - begin);
    for (int64_t k = 0; k < depth; ++k, to += kBlockColumns) {
      const float* from = b + k * k_stride + begin * n_stride;
      if (n_stride == 1) {
        std::copy_n(from, filled, to);
      } else {
        for (int64_t n = 0; n < filled; ++n) to[n] = from[n * n_stride];
      }
      std::fill(to + filled, to + kBlockColumns, 0.0f);
    }
  }
}

}  // namespace ropeway::cpu
#endif  // HWY_ONCE
