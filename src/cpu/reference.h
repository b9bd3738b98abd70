// The implementation that serves any node alone: the operator's reference.
#pragma once

#include "cpu/kernel.h"

namespace ropeway::cpu {

// Plain layout, any dtype, nothing fused. Unlike the others it allocates while running.
const Implementation& reference_implementation();

}  // namespace ropeway::cpu
