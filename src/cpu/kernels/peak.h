// Loops that do nothing but what a processor can do most of: to know what kernels could reach.
#pragma once

#include <cstdint>

namespace ropeway::cpu {

struct MultiplyAdd {
  double operations = 0;  // a multiplication and an addition count as two
  float sum = 0;          // of all x
};
// In registers alone, for many x that begin at 0, 1, … 11: x becomes x / 2 + 1, `rounds` times.
MultiplyAdd multiply_add(int64_t rounds);

// The sum of `count` elements, read as fast as can be: a multiple of 4096, 64-byte aligned.
float read_all(const float* from, int64_t count);

}  // namespace ropeway::cpu
