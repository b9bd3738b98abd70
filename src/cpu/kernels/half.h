// Floats of 16 bits: rounding to them, and to and from their bits. Exactly f32_to_f16 and f16_to_f32 of ops/convert.h, on every target.
#pragma once

#include <cstdint>

namespace ropeway::cpu {

inline constexpr float kLargestF16 = 65504;

// out[i] = in[i] rounded to the nearest 16-bit float, halves to even; above the largest infinity; NaN becomes the quiet one of its sign. `in` may be `out`.
void round_to_f16(const float* in, float* out, int64_t count);

void to_f16(const float* in, uint16_t* out, int64_t count);
void from_f16(const uint16_t* in, float* out, int64_t count);

// The largest magnitude among the finite ones of in[i]; 0 where there is none.
float largest_finite(const float* in, int64_t count);

}  // namespace ropeway::cpu
