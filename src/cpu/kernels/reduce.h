// Reductions of rows and of columns.
#pragma once

#include <cstdint>

#include "ir/params.h"

namespace ropeway::cpu {

// The function of `length` contiguous floats, at least one: sum, mean, product, max, min (NaN where an element is NaN).
// Sums are kept in four vectors of floats.
float reduce_contiguous(ReduceFunction function, const float* in, int64_t length);

// out[c] = the function of in[i · stride + c] for i < length, for each c < width.
void reduce_columns(ReduceFunction function, const float* in, int64_t stride, int64_t length, float* out, int64_t width);

}  // namespace ropeway::cpu
