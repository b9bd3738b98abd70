// Rows made comparable: softmax, layer normalisation, and the scale and shift of batch normalisation.
#pragma once

#include <cstdint>

namespace ropeway::cpu {

// Softmax, or its logarithm, of `length` vectors of `width` floats that lie `stride` apart, element by element of the vectors.
// One row of contiguous elements is length = its size, width = stride = 1. Sums are those of floats; the row's maximum is subtracted first.
void softmax_row(const float* in, float* out, int64_t length);
void log_softmax_row(const float* in, float* out, int64_t length);
void softmax_columns(const float* in, float* out, int64_t length, int64_t width, int64_t stride);
void log_softmax_columns(const float* in, float* out, int64_t length, int64_t width, int64_t stride);

// The first half of a softmax, in place: every element x becomes e^(x - the largest), and their sum is returned. If the largest is -infinity, all become 0.
// Within 2 units in the last place; below e^-87, 0.
float exponentials_of_row(float* values, int64_t length);

// (x - mean) / √(variance + epsilon) · scale + shift of one row; scale and shift (`length` floats each) may be null.
void layer_norm_row(const float* in, const float* scale, const float* shift, float epsilon, float* out, int64_t length);

// in · scale + shift of a run of one channel.
void scale_shift(const float* in, float scale, float shift, float* out, int64_t count);
// The same with element i of every group of `period` floats scaled by scale[i]; `groups` of them.
void scale_shift_groups(const float* in, const float* scale, const float* shift, int64_t period, float* out, int64_t groups);

}  // namespace ropeway::cpu
