// Loops that do nothing but what a processor can do most of: to know what kernels could reach.
#pragma once

#include <cstdint>

namespace ropeway::cpu {

// Multiplies and adds in registers alone, `rounds` times; the operations that it did, a multiplication and an addition counted as two. `seed` in [0, 1].
double multiply_add(int64_t rounds, float seed);

// The sum of `count` elements, read as fast as can be: a multiple of 4096, 64-byte aligned.
float read_all(const float* from, int64_t count);

}  // namespace ropeway::cpu
