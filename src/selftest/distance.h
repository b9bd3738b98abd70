// How far results are from what is expected.
#pragma once

#include <cstdint>

#include "ropeway/tensor.h"

namespace ropeway::selftest {

// NaN is near NaN, an infinity near itself alone.
struct Distance {
  double error = 0;    // largest error over the largest finite value that is expected; infinity where one of the two is not finite; of integers and booleans 1 where any differs
  double cosine = 1;   // of the angle between the two, over what is finite in both; of integers 1 or 0
  int64_t first = -1;  // index of the first element that is off by more than `tolerance` times the largest; -1: none
};
// Of two tensors of one type.
Distance distance(const Tensor& actual, const Tensor& expected, double tolerance);

}  // namespace ropeway::selftest
