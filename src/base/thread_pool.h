// A fork-join pool.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

namespace ropeway {

class ThreadPool {
 public:
  // `threads` counts the caller: 1 starts none. Throws Error{invalid_argument} unless 1 ≤ threads ≤ 1024, Error{out_of_memory} when the system starts no more.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  // Calls task(i, worker) for every i in [0, tasks), in no order, on the pool's threads and the caller's; returns when all are done.
  // worker is in [0, threads()) and belongs to one thread at a time: an index for scratch memory.
  // Does not allocate. The first exception of a task is thrown again here; tasks not yet begun are then skipped.
  // A call while another is under way (from a second thread, or from within a task) runs its tasks on the calling thread, as worker 0.
  template <class Task>
  void run(int64_t tasks, Task&& task) {
    using Plain = std::remove_reference_t<Task>;
    run_erased(tasks, [](void* context, int64_t i, int worker) { (*static_cast<Plain*>(context))(i, worker); }, const_cast<std::remove_const_t<Plain>*>(&task));
  }

 private:
  using Function = void (*)(void* context, int64_t i, int worker);
  void run_erased(int64_t tasks, Function function, void* context);
  void work(int worker);
  void stop();  // ends and joins the threads
  void take_tasks(int worker);

  std::vector<std::thread> workers_;
  std::mutex caller_;  // held by the call under way

  // The job under way. Written by the caller while no worker is active.
  Function function_ = nullptr;
  void* context_ = nullptr;
  int64_t tasks_ = 0;
  std::atomic<int64_t> next_{0};
  std::atomic<int> active_{0};          // workers that have not finished the job
  std::atomic<uint64_t> generation_{0}; // counts jobs
  std::atomic<bool> failed_{false};
  std::exception_ptr error_;

  std::mutex sleep_;
  std::condition_variable wake_;
  int sleeping_ = 0;
  bool stop_ = false;
};

}  // namespace ropeway
