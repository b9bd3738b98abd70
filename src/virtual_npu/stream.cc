#include "virtual_npu/stream.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace ropeway::virtual_npu {

Stream::~Stream() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Stream::submit(double not_before_ms, Task task) {
  const std::lock_guard lock(mutex_);
  if (!thread_.joinable()) thread_ = std::thread([this] { work(); });  // before the task is there: it may fail
  tasks_.emplace_back(not_before_ms, std::move(task));
  changed_.notify_all();
}

void Stream::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return ending_ || !tasks_.empty(); });
    if (tasks_.empty()) return;
    const double begin = std::max(now_ms_, tasks_.front().first);
    double end = begin;
    std::exception_ptr failure = failure_;
    if (failure == nullptr) {
      Task task = std::move(tasks_.front().second);
      lock.unlock();
      try {
        end = task(begin);
      } catch (...) {
        failure = std::current_exception();
      }
      task = nullptr;  // it may hold memory, which goes before anybody is told
      lock.lock();
    }
    now_ms_ = end;
    failure_ = failure;
    tasks_.pop_front();
    changed_.notify_all();
  }
}

std::optional<double> Stream::wait(std::optional<double> seconds) {
  std::unique_lock lock(mutex_);
  const auto done = [&] { return tasks_.empty(); };
  if (!seconds) changed_.wait(lock, done);
  else if (!changed_.wait_for(lock, std::chrono::duration<double>(*seconds), done)) return std::nullopt;
  if (failure_ != nullptr) std::rethrow_exception(std::exchange(failure_, nullptr));
  return now_ms_;
}

void Recording::done(std::optional<double> at_ms) {
  {
    const std::lock_guard lock(mutex_);
    done_ = true;
    at_ms_ = at_ms;
  }
  changed_.notify_all();
}

bool Recording::is_done() const {
  const std::lock_guard lock(mutex_);
  return done_;
}

std::optional<double> Recording::at_ms() const {
  const std::lock_guard lock(mutex_);
  return at_ms_;
}

void Recording::wait() const {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return done_; });
}

std::shared_ptr<Recording> Event::record() {
  auto recording = std::make_shared<Recording>();
  const std::lock_guard lock(mutex_);
  return latest_ = std::move(recording);
}

std::shared_ptr<const Recording> Event::latest() const {
  const std::lock_guard lock(mutex_);
  return latest_;
}

}  // namespace ropeway::virtual_npu
