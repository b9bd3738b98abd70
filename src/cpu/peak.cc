#include "cpu/peak.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <numeric>
#include <vector>

#include "base/buffer.h"
#include "cpu/kernels/peak.h"

namespace ropeway::cpu {
namespace {

using Clock = std::chrono::steady_clock;

// The most that one of many short rounds did in a second. `round` returns what it did.
template <class Round>
double best_rate(double seconds, const Round& round) {
  const auto elapsed = [](Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); };
  double best = 0;
  const auto begin = Clock::now();
  do {
    const auto start = Clock::now();
    const double work = round();
    best = std::max(best, work / elapsed(start));
  } while (elapsed(begin) < seconds);
  return best;
}

// Several for each thread, so that one which comes late takes fewer.
int64_t tasks_for(const ThreadPool& pool) { return 8 * int64_t{pool.threads()}; }

double measure_gflops(ThreadPool& pool) {
  constexpr int64_t kRounds = 10000;  // some 30 µs of a task
  constexpr double kSeconds = 0.3;
  return best_rate(kSeconds, [&] {
           const int64_t tasks = tasks_for(pool);
           std::vector<double> work(static_cast<size_t>(tasks));
           pool.run(tasks, [&](int64_t i, int) { work[static_cast<size_t>(i)] = multiply_add(kRounds).operations; });
           return std::accumulate(work.begin(), work.end(), 0.0);
         }) / 1e9;
}

// Four times the last cache, as far as the system tells its size, and 8 MB for each thread: groups of cores have one each, of up to 4 MB a core.
int64_t block_bytes(int64_t threads) {
  constexpr int64_t kLeast = int64_t{128} << 20, kForThread = int64_t{8} << 20, kSmallMachine = int64_t{256} << 20;
  int64_t bytes = std::max(kLeast, kForThread * threads);
#ifdef _SC_LEVEL3_CACHE_SIZE
  bytes = std::max(bytes, 4 * int64_t{sysconf(_SC_LEVEL3_CACHE_SIZE)});
#endif
  const int64_t memory = int64_t{sysconf(_SC_PHYS_PAGES)} * int64_t{sysconf(_SC_PAGESIZE)};
  return std::min(bytes, std::max(kSmallMachine, memory / 8));
}

double measure_gb_per_s(ThreadPool& pool) {
  constexpr int64_t kPiece = int64_t{1} << 20;
  constexpr double kSeconds = 0.4;
  // Rounds of 32 MB and more go through the block one after the other: when one comes back, the caches have long held something else.
  const int64_t pieces = block_bytes(pool.threads()) / kPiece, round = std::clamp<int64_t>(2 * int64_t{pool.threads()}, 32, pieces / 4);
  const auto block = allocate_buffer(static_cast<size_t>(pieces * kPiece));
  pool.run(pieces, [&](int64_t i, int) { std::memset(block.get() + i * kPiece, 0, kPiece); });
  std::vector<float> sums(static_cast<size_t>(round));
  int64_t next = 0;
  return best_rate(kSeconds, [&] {
           const int64_t first = next;
           next = next + 2 * round > pieces ? 0 : next + round;
           pool.run(round, [&](int64_t i, int) { sums[static_cast<size_t>(i)] = read_all(reinterpret_cast<const float*>(block.get() + (first + i) * kPiece), kPiece / 4); });
           return static_cast<double>(round * kPiece);
         }) / 1e9;
}

}  // namespace

Peak measure_peak(ThreadPool& pool) { return {measure_gflops(pool), measure_gb_per_s(pool)}; }

Peak measure_peak(int threads) {
  ThreadPool pool(threads);
  return measure_peak(pool);
}

}  // namespace ropeway::cpu
