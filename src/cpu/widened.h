// Weights of 16 bits as f32.
#pragma once

#include "ropeway/tensor.h"

namespace ropeway::cpu {

// f32 of a tensor of f16, widened when it is read, part after part.
Tensor widened(Tensor half);

}  // namespace ropeway::cpu
