// What a model declares and what computes may have different dtypes: float64 and int64 where the model's border is, 32 bits within, on a chip that lacks the wider ones.
#pragma once

#include <string>

#include "ropeway/tensor.h"

namespace ropeway {

// Converts into a tensor that is there already, of the same shape: float64 ↔ float32 and int64 ↔ int32. Throws Error{invalid_argument} for an element that the narrower type
// cannot hold (infinities and NaN it can), with its position and value; `kind` and `name` say which tensor it
// is: "input", "x". Allocates nothing unless it fails.
void convert_at_border(const char* kind, const std::string& name, const Tensor& from, Tensor& to);

}  // namespace ropeway
