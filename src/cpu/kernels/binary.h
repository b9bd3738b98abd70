// Arithmetic of two operands, and choice between them.
#pragma once

#include <cstdint>

#include "ir/params.h"

namespace ropeway::cpu {

// Whether apply_binary computes the function: those whose result is a float.
bool is_arithmetic(BinaryFunction function);

// out[i] = f(a[i · a_step], b[i · b_step]) for steps of 0 (one element for all) or 1. `out` may be `a` or `b` of step 1.
// add, sub, mul, div, min, max, prelu are exact or correctly rounded, pow and mod are the C library's; min and max give NaN where an operand is NaN.
void apply_binary(BinaryFunction function, const float* a, int64_t a_step, const float* b, int64_t b_step, float* out, int64_t count);

// out[i] = condition[i · condition_step] ? x[i · x_step] : y[i · y_step], likewise.
void select(const bool* condition, int64_t condition_step, const float* x, int64_t x_step, const float* y, int64_t y_step, float* out, int64_t count);

}  // namespace ropeway::cpu
