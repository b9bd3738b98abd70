// Weights stored in 16 bits: which may be.
#pragma once

#include <string>

#include "cpu/kernel.h"

namespace ropeway::cpu {

// Why `weights`, of f32, have to stay in 32 bits; "" when the request allows 16 and these hold them: no finite one becomes infinite, and what rounding does to any
// is below 2^-11 of the largest. Reads all of them, in parts, so it is asked last.
std::string declines_half(const KernelRequest& request, const Tensor& weights);

}  // namespace ropeway::cpu
