// How far a computed tensor is from what it should be.
#pragma once

#include <string>

#include "ropeway/tensor.h"

namespace ropeway {

// Elements are compared as doubles. One that is not finite agrees only with the same infinity, or NaN with NaN; everything else about it is an infinite error.
struct Difference {
  int64_t count = 0;          // elements of each
  double largest_error = 0;   // |result − reference|; infinite where one of them is not finite and they do not agree
  int64_t index = -1;         // where it is, row-major, the first of equals; -1: all elements agree exactly
  double result_at = 0;       // the two elements there
  double reference_at = 0;
  double largest_value = 0;   // largest finite |reference|
  double cosine = 1;          // of the angle between them, over elements that are finite in both; 1 for two zero tensors, 0 when only one is zero
  int64_t result_nans = 0, reference_nans = 0;
  int64_t result_infinities = 0, reference_infinities = 0;
  int64_t lost = 0;           // elements that are zero in the result but not in the reference: underflow

  // largest_error / largest_value: 0 for no error, infinite for one where the reference is all zero. What tolerances are compared with.
  double relative() const;
  bool within(double tolerance) const { return relative() <= tolerance; }
};

// Both of one shape; dtypes may differ, any of them. Throws Error{invalid_argument} that names both types for different shapes.
Difference difference(const Tensor& result, const Tensor& reference);

// The position of a row-major index in a tensor of that shape: "[0,3,1]"; "" for -1.
std::string position(const Shape& shape, int64_t index);

}  // namespace ropeway
