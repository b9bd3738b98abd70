// The CPU backend: arithmetic in fp32, one kernel per step, buffers planned into one arena per caller.
#pragma once

#include <memory>

#include "backend/backend.h"

namespace ropeway {

// `threads` counts the caller; 0: every processor that this process may use. All executables of a backend share its threads:
// runs that overlap in time each go on on their own thread. `half_weights`: weights are stored in 16 bits where a kernel can use them so, which halves
// what has to come from memory; arithmetic is fp32 all the same. The first call settles the SIMD target (cpu/simd.h). Throws Error{invalid_argument}.
std::shared_ptr<const Backend> make_cpu_backend(int threads, bool half_weights = false);

}  // namespace ropeway
