// Comparison with PyTorch's numbers.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "ropeway/tensor.h"

namespace ropeway::test {

// Largest error over largest value; of anything but f32, whether the elements are equal.
inline void expect_near(const Tensor& result, const Tensor& wanted, double tolerance = 1e-5) {
  ASSERT_EQ(to_string(result.type()), to_string(wanted.type()));
  if (wanted.dtype() != DType::f32) {
    EXPECT_EQ(std::memcmp(result.raw(), wanted.raw(), wanted.bytes()), 0);
    return;
  }
  double error = 0, largest = 0;
  for (size_t i = 0; i < wanted.data<float>().size(); ++i) {
    error = std::max(error, std::fabs(static_cast<double>(result.data<float>()[i]) - wanted.data<float>()[i]));
    largest = std::max(largest, std::fabs(static_cast<double>(wanted.data<float>()[i])));
    EXPECT_FALSE(std::isnan(result.data<float>()[i]));
  }
  EXPECT_LE(error, tolerance * largest);
}

}  // namespace ropeway::test
