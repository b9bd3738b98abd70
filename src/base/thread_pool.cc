#include "base/thread_pool.h"

#include <exception>
#include <utility>

#include "base/text.h"

namespace ropeway {
namespace {

// How often a waiting thread looks before it sleeps or yields: some 20 to 50 µs, longer than the gap between two kernels.
constexpr int kSpins = 2000;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

ThreadPool::ThreadPool(int threads) {
  if (threads < 1 || threads > 1024) fail(ErrorCode::invalid_argument, "{} threads are asked for; between 1 and 1024 are possible", threads);
  try {
    for (int worker = 1; worker < threads; ++worker) workers_.emplace_back([this, worker] { work(worker); });
  } catch (const std::exception& error) {  // std::system_error, or std::bad_alloc
    const size_t started = workers_.size() + 1;
    stop();
    fail(ErrorCode::out_of_memory, "the system starts no more than {} of {} threads ({}); ask for fewer, with --threads", started, threads, error.what());
  }
}

ThreadPool::~ThreadPool() { stop(); }

void ThreadPool::stop() {
  {
    const std::lock_guard lock(sleep_);
    stop_ = true;
    generation_.fetch_add(1);
  }
  wake_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::run_erased(int64_t tasks, Function function, void* context) {
  std::unique_lock call(caller_, std::defer_lock);
  // try_lock by the thread that holds it already is not allowed, so a nested call is recognised by a flag of the thread.
  thread_local const ThreadPool* inside = nullptr;
  if (workers_.empty() || tasks <= 1 || inside == this || !call.try_lock()) {
    for (int64_t i = 0; i < tasks; ++i) function(context, i, 0);
    return;
  }
  const ThreadPool* const outer = std::exchange(inside, this);
  function_ = function;
  context_ = context;
  tasks_ = tasks;
  failed_.store(false, std::memory_order_relaxed);
  next_.store(0, std::memory_order_relaxed);
  active_.store(static_cast<int>(workers_.size()), std::memory_order_relaxed);
  {
    const std::lock_guard lock(sleep_);
    generation_.fetch_add(1, std::memory_order_release);
    if (sleeping_ > 0) wake_.notify_all();
  }
  take_tasks(0);
  for (int spins = 0; active_.load(std::memory_order_acquire) > 0; ++spins) {
    if (spins < kSpins) {
      pause();
    } else {
      std::this_thread::yield();
    }
  }
  inside = outer;
  if (failed_.load(std::memory_order_relaxed)) std::rethrow_exception(std::exchange(error_, nullptr));
}

void ThreadPool::take_tasks(int worker) {
  for (int64_t i; (i = next_.fetch_add(1, std::memory_order_relaxed)) < tasks_;) {
    try {
      function_(context_, i, worker);
    } catch (...) {
      if (!failed_.exchange(true)) error_ = std::current_exception();
      next_.store(tasks_, std::memory_order_relaxed);
    }
  }
}

void ThreadPool::work(int worker) {
  uint64_t seen = 0;
  for (;;) {
    for (int spins = 0; generation_.load(std::memory_order_acquire) == seen && spins < kSpins; ++spins) pause();
    {
      std::unique_lock lock(sleep_);
      ++sleeping_;
      wake_.wait(lock, [&] { return generation_.load(std::memory_order_relaxed) != seen; });
      --sleeping_;
      seen = generation_.load(std::memory_order_acquire);
      if (stop_) return;
    }
    take_tasks(worker);
    active_.fetch_sub(1, std::memory_order_release);
  }
}

}  // namespace ropeway
