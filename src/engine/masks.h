// The masks of dropout in training mode.
#pragma once

#include <cstdint>

#include "passes/lower.h"
#include "ropeway/tensor.h"

namespace ropeway {

// Draws the mask of one run into `tensor`, of floating point. Its elements depend on the mask, the seed, the run's number and their place alone. Allocates nothing.
void draw_mask(const DropoutMask& mask, uint64_t seed, uint64_t run, Tensor& tensor);

}  // namespace ropeway
