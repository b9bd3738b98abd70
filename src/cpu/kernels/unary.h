// Element-wise functions of flat arrays.
#pragma once

#include <cstddef>

#include "ir/params.h"

namespace ropeway::cpu {

// out[i] = f(in[i]); `in` may be `out`. All functions but logical_not and is_nan, whose results are no floats (Error{internal}).
// Also for hot data: convolutions and matrix products finish their tiles with it.
//
// Largest error against the exact function, in units in the last place of the result, as unary_test holds it:
//   0  relu clip abs neg sign floor ceil round      1/2  sqrt reciprocal      1  leaky_relu log      3/2  rsqrt      2  exp
//   3  elu sigmoid silu softplus, and sin and cos up to ±39000 (beyond: the C library's)      4  tanh erf      5  mish
//   In units of results of 0.1 where the result is smaller:      3  hard_swish      4  hard_sigmoid, silu with alpha ≠ 1      8  gelu gelu_tanh
// NaN gives NaN, but sign gives 0; infinities give the limits, but gelu, gelu_tanh, silu and mish of -infinity are NaN: all as PyTorch has it.
void apply_unary(const UnaryParams& params, const float* in, float* out, size_t count);
// The same in place, to `rows` rows of `columns` elements, `stride` apart: short rows overlap, which a call for each would prevent.
void apply_unary_to_rows(const UnaryParams& params, float* values, int64_t rows, int64_t columns, int64_t stride);

}  // namespace ropeway::cpu
