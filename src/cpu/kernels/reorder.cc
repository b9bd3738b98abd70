#include "cpu/kernels/reorder.h"

#include <algorithm>

#include "cpu/kernel.h"
#include "cpu/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/kernels/reorder.cc"
#include <hwy/foreach_target.h>
#include "cpu/kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ropeway::cpu {
namespace HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR

void transpose(const float* in, int64_t in_stride, float* out, int64_t out_stride, int64_t rows, int64_t columns) {
  for (int64_t c = 0; c < columns; ++c) {
    for (int64_t r = 0; r < rows; ++r) out[c * out_stride + r] = in[r * in_stride + c];
  }
}

void fill_blocks(const float* in, int64_t in_stride, float* out, int64_t channels, int64_t pixels) {
  for (int64_t p = 0; p < pixels; ++p) {
    for (int64_t c = 0; c < 16; ++c) out[p * 16 + c] = c < channels ? in[c * in_stride + p] : 0;
  }
}

#else

using D4 = hn::FixedTag<float, 4>;
using V4 = hn::Vec<D4>;

// The vector whose 4-float block b is 4 floats of row 4 b. Rows beyond `rows` count as 0.
template <class Tag>
HWY_INLINE hn::Vec<Tag> load_rows(Tag tag, const float* in, int64_t stride, int64_t rows) {
  if constexpr (hn::MaxLanes(Tag()) == 4) {
    return rows > 0 ? hn::LoadU(tag, in) : hn::Zero(tag);
  } else {
    const hn::Half<Tag> half;
    constexpr int64_t kRows = hn::MaxLanes(Tag()) / 2;
    return hn::Combine(tag, load_rows(half, in + kRows * stride, stride, rows - kRows), load_rows(half, in, stride, rows));
  }
}

// 4 columns of kLanes rows, as 4 vectors: within each 4-float block of the vectors a 4 × 4 transpose takes place, and the blocks line up by themselves.
HWY_INLINE void transpose_4(const float* in, int64_t stride, int64_t rows, V (&column)[4]) {
  const D d;
  const hn::Repartition<double, D> pairs;
  const V r0 = load_rows(d, in, stride, rows);
  const V r1 = load_rows(d, in + stride, stride, rows - 1);
  const V r2 = load_rows(d, in + 2 * stride, stride, rows - 2);
  const V r3 = load_rows(d, in + 3 * stride, stride, rows - 3);
  const auto low01 = hn::BitCast(pairs, hn::InterleaveLower(d, r0, r1));
  const auto low23 = hn::BitCast(pairs, hn::InterleaveLower(d, r2, r3));
  const auto high01 = hn::BitCast(pairs, hn::InterleaveUpper(d, r0, r1));
  const auto high23 = hn::BitCast(pairs, hn::InterleaveUpper(d, r2, r3));
  column[0] = hn::BitCast(d, hn::InterleaveLower(pairs, low01, low23));
  column[1] = hn::BitCast(d, hn::InterleaveUpper(pairs, low01, low23));
  column[2] = hn::BitCast(d, hn::InterleaveLower(pairs, high01, high23));
  column[3] = hn::BitCast(d, hn::InterleaveUpper(pairs, high01, high23));
}

// Up to 16 rows: a cache line of each output is written at once.
HWY_INLINE void transpose_rows(const float* in, int64_t in_stride, float* out, int64_t out_stride, int64_t rows, int64_t columns) {
  V column[4];
  int64_t c = 0;
  for (; c + 4 <= columns; c += 4) {
    const float* from = in + c;
    float* to = out + c * out_stride;
    int64_t r = 0;
    for (; r + kLanes <= rows; r += kLanes) {
      transpose_4(from + r * in_stride, in_stride, kLanes, column);
      for (int64_t i = 0; i < 4; ++i) store(column[i], to + i * out_stride + r);
    }
    if (r == rows) continue;
    transpose_4(from + r * in_stride, in_stride, rows - r, column);
    for (int64_t i = 0; i < 4; ++i) store_first(column[i], to + i * out_stride + r, rows - r);
  }
  for (; c < columns; ++c) {
    for (int64_t r = 0; r < rows; ++r) out[c * out_stride + r] = in[r * in_stride + c];
  }
}

void transpose(const float* in, int64_t in_stride, float* out, int64_t out_stride, int64_t rows, int64_t columns) {
  for (int64_t r = 0; r < rows; r += 16) {
    transpose_rows(in + r * in_stride, in_stride, out + r, out_stride, rows - r < 16 ? rows - r : 16, columns);
  }
}

// Fewer than 16 channels to blocks, the others 0.
void fill_blocks(const float* in, int64_t in_stride, float* out, int64_t channels, int64_t pixels) {
  V column[4];
  int64_t p = 0;
  for (; p + 4 <= pixels; p += 4) {
    for (int64_t c = 0; c < 16; c += kLanes) {
      transpose_4(in + c * in_stride + p, in_stride, channels - c, column);
      for (int64_t i = 0; i < 4; ++i) store(column[i], out + (p + i) * 16 + c);
    }
  }
  for (; p < pixels; ++p) {
    for (int64_t c = 0; c < 16; ++c) out[p * 16 + c] = c < channels ? in[c * in_stride + p] : 0;
  }
}

#endif

// Lanes from `channels` on of each of `pixels` blocks become 0.
void clear_lanes(float* out, int64_t pixels, int64_t channels) {
  for (int64_t p = 0; p < pixels; ++p) {
    for (int64_t c = channels; c < 16; ++c) out[p * 16 + c] = 0;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace ropeway::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ropeway::cpu {
namespace {

HWY_EXPORT(transpose);
HWY_EXPORT(fill_blocks);
HWY_EXPORT(clear_lanes);

struct Blocks {
  int64_t images, channels, blocks, pixels;
  explicit Blocks(const Shape& shape)
      : images(shape[0]), channels(shape[1]), blocks(divide_up(shape[1], kBlock)), pixels(element_count(std::span(shape).subspan(2))) {}

  // Calls f(plain offset of the chunk, channels, blocked offset of the chunk, pixels) for chunks of one block, on the pool's threads.
  template <class F>
  void for_chunks(ThreadPool& pool, const F& f) const {
    constexpr int64_t kChunk = 1024;  // pixels: 64 KB of blocked floats
    const int64_t chunks = divide_up(pixels, kChunk);
    parallel_for(pool, images * blocks * chunks, kBlock * std::min(kChunk, pixels), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t pixel = i % chunks * kChunk, plane = i / chunks, block = plane % blocks, image = plane / blocks;
        f((image * channels + block * kBlock) * pixels + pixel, std::min(kBlock, channels - block * kBlock), (plane * pixels + pixel) * kBlock,
          std::min(kChunk, pixels - pixel));
      }
    });
  }
};

}  // namespace

void transpose_2d(const float* in, int64_t in_stride, float* out, int64_t out_stride, int64_t rows, int64_t columns) {
  HWY_DYNAMIC_DISPATCH(transpose)(in, in_stride, out, out_stride, rows, columns);
}

void to_blocked(const float* in, float* out, const Shape& shape, ThreadPool& pool) {
  const Blocks blocks(shape);
  const auto transpose_chunk = HWY_DYNAMIC_DISPATCH(transpose);
  const auto fill_chunk = HWY_DYNAMIC_DISPATCH(fill_blocks);
  blocks.for_chunks(pool, [&](int64_t plain, int64_t channels, int64_t blocked, int64_t pixels) {
    if (channels == kBlock) {
      transpose_chunk(in + plain, blocks.pixels, out + blocked, kBlock, channels, pixels);
    } else {
      fill_chunk(in + plain, blocks.pixels, out + blocked, channels, pixels);
    }
  });
}

void to_plain(const float* in, float* out, const Shape& shape, ThreadPool& pool) {
  const Blocks blocks(shape);
  const auto transpose_chunk = HWY_DYNAMIC_DISPATCH(transpose);
  blocks.for_chunks(pool, [&](int64_t plain, int64_t channels, int64_t blocked, int64_t pixels) {
    transpose_chunk(in + blocked, kBlock, out + plain, blocks.pixels, pixels, channels);
  });
}

void clear_padding(float* blocked, const Shape& shape, ThreadPool& pool) {
  if (shape[1] % kBlock == 0) return;
  const auto clear = HWY_DYNAMIC_DISPATCH(clear_lanes);
  Blocks(shape).for_chunks(pool, [&](int64_t, int64_t channels, int64_t at, int64_t pixels) {
    if (channels < kBlock) clear(blocked + at, pixels, channels);
  });
}

}  // namespace ropeway::cpu
#endif  // HWY_ONCE
