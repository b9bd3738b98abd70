// Element-wise functions of flat arrays.
#pragma once

#include <cstddef>

#include "ir/params.h"

namespace ropeway::cpu {

// out[i] = f(in[i]); `in` may be `out`. All functions but logical_not and is_nan, whose results are no floats (Error{internal}).
// Also for hot data: convolutions and matrix products finish their tiles with it.
//
// Largest error against the exact function, in units in the last place of the result (below 2^-126: of 2^-126), which unary_test holds:
//   exact or correctly rounded: relu clip abs neg sign floor ceil round sqrt reciprocal leaky_relu;  hard_sigmoid, hard_swish: of their formula in float
//   1: rsqrt;  2: exp;  3: sin cos (their own: error / 2^-24 near 0 of the function);  4: log tanh erf sigmoid;  5: elu softplus
//   silu mish gelu gelu_tanh: 1e-6 of the result, or 1e-7 where it is small
// NaN gives NaN, infinities give the limits.
void apply_unary(const UnaryParams& params, const float* in, float* out, size_t count);

}  // namespace ropeway::cpu
