// Pooling of rows of images.
#pragma once

#include <cstdint>

namespace ropeway::cpu {

// What one output position reads along one dimension: input positions first, first + step, …, `taps` of them.
struct PoolSpan {
  int64_t first, taps, step;
  float scale;  // 1 / the number that an average divides by along this dimension
  int64_t alike = 1;  // so many positions from this one on have as many taps, at equal distances: all but those at the edges
};

// One row of output cells, each of 16 channels. `image` is the blocked image of `width` pixels a row.
void max_pool_row(const float* image, int64_t width, const PoolSpan& row, const PoolSpan* columns, int64_t count, float* out);
// One row of output cells of a plain image. Goes by `alike` of the columns.
void max_pool_plain_row(const float* image, int64_t width, const PoolSpan& row, const PoolSpan* columns, int64_t count, float* out);
// Multiplies the sums by row.scale · column.scale.
void average_pool_row(const float* image, int64_t width, const PoolSpan& row, const PoolSpan* columns, int64_t count, float* out);

}  // namespace ropeway::cpu
