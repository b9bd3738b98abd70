// What this machine can do at best: measured, so that a kernel's speed can stand beside it.
#pragma once

#include "base/thread_pool.h"

namespace ropeway::cpu {

struct Peak {
  double gflops = 0;    // 10^9 multiplications and additions in fp32 a second, by the SIMD target that kernels use
  double gb_per_s = 0;  // 10^9 bytes a second, read from memory far beyond the last cache
};

// All threads of the pool together. Takes up to a second, and memory: 128 MB, 8 MB a thread or four times the last cache, whichever is most, but no more than an eighth of the
// machine's or a quarter of a GB; on a machine that others use, the best moment of that second.
// Throws Error{out_of_memory}.
Peak measure_peak(ThreadPool& pool);
// The same with a pool of its own. Throws Error{invalid_argument} as ThreadPool does.
Peak measure_peak(int threads);

}  // namespace ropeway::cpu
