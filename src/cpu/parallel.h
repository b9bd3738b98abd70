// Splitting a loop over the threads of a pool.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/thread_pool.h"

namespace ropeway::cpu {

// Elements below which a fork costs more than it brings: some 5 µs of copying.
inline constexpr int64_t kGrain = 32768;

// Calls f(begin, end) for ranges that together are [0, count). `cost` is that of one item, in copied elements.
template <class F>
void parallel_for(ThreadPool& pool, int64_t count, int64_t cost, const F& f) {
  const int64_t most = std::min<int64_t>(count, pool.threads() == 1 ? 1 : 4 * pool.threads());  // 4: a thread that is held up loses a quarter of its share
  const int64_t tasks = std::clamp<int64_t>(count * std::max<int64_t>(cost, 1) / kGrain, 1, std::max<int64_t>(most, 1));
  pool.run(tasks, [&](int64_t task, int) { f(count * task / tasks, count * (task + 1) / tasks); });
}

}  // namespace ropeway::cpu
