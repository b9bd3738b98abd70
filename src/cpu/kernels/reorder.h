// Transposes, and the blocked layout made by them.
#pragma once

#include <cstdint>

#include "base/thread_pool.h"
#include "ropeway/tensor.h"

namespace ropeway::cpu {

// out[column · out_stride + row] = in[row · in_stride + column]
void transpose_2d(const float* in, int64_t in_stride, float* out, int64_t out_stride, int64_t rows, int64_t columns);

// From and to the blocked layout, for a shape [N, C, spatial…]. to_blocked sets the channels beyond C to 0.
void to_blocked(const float* in, float* out, const Shape& shape, ThreadPool& pool);
void to_plain(const float* in, float* out, const Shape& shape, ThreadPool& pool);

// Sets the channels beyond C of a blocked tensor to 0: after an operation that may have made them infinite or NaN there.
void clear_padding(float* blocked, const Shape& shape, ThreadPool& pool);

}  // namespace ropeway::cpu
