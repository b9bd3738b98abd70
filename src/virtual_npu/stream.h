// Streams and events of the virtual device: work in order, each stream with a thread of its own and a clock of the chip's.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

namespace ropeway::virtual_npu {

// Any thread may call. Times are milliseconds of the device's clock.
class Stream {
 public:
  // What is done in the stream's thread: takes when it begins, returns when it ends. What it throws is kept for wait(); what is behind it is not done then.
  using Task = std::function<double(double begin_ms)>;

  Stream() = default;
  ~Stream();  // waits for what is queued
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Queues it. It begins no earlier than `not_before_ms`, and when what is before it has ended.
  void submit(double not_before_ms, Task task);
  // Returns when all is done: when that was. Nothing when `seconds` are over before (none: no limit). Throws what a task has thrown, once.
  std::optional<double> wait(std::optional<double> seconds);

 private:
  void work();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::pair<double, Task>> tasks_;  // the first is being done
  double now_ms_ = 0;
  std::exception_ptr failure_;
  bool ending_ = false;
  std::thread thread_;  // started with the first task
};

// One aclrtRecordEvent: a place in its stream's order, which the stream passes once.
class Recording {
 public:
  void done(std::optional<double> at_ms);  // by the stream; without a time when it has failed before it
  bool is_done() const;
  std::optional<double> at_ms() const;     // nothing while it has no time
  void wait() const;                       // until is_done()

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  bool done_ = false;
  std::optional<double> at_ms_;
};

// Whoever waits for an event waits for what was recorded last when it asked: an event may be recorded again meanwhile.
class Event {
 public:
  std::shared_ptr<Recording> record();
  std::shared_ptr<const Recording> latest() const;  // null before the first

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<Recording> latest_;
};

}  // namespace ropeway::virtual_npu
