// Times of operators for whoever profiles: by subscription to a model (aclprofModelSubscribe), or of everything into a folder (aclprofStart).
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>

#include "virtual_npu/container.h"

namespace ropeway::virtual_npu {

// What a subscriber reads from its pipe, one after the other: opaque to callers, who pass them back to aclprofGetOp….
struct OperatorRecord {
  uint64_t mark;
  uint32_t model;
  uint32_t name, type;  // numbers of texts
  uint32_t padding;
  uint64_t begin_ns, end_ns;  // of the device's clock
};

// Any thread may call. Members throw Fault.
class Profiling {
 public:
  // `pipe` is the caller's, who closes it after unsubscribing: nothing is written to it then.
  void subscribe(uint32_t model, int pipe);
  void unsubscribe(uint32_t model);
  bool forget(uint32_t model);  // it is unloaded; whether anybody was subscribed
  void forget_all();

  // Between start and stop, a line per operator goes to `folder`/op_summary.csv, which the first start after initialise makes anew.
  void initialise(const std::filesystem::path& folder);
  void finalise();
  void start();
  void stop();

  // By the device, after an execution of a model that began at `begin_ms`. Waits while a subscriber's pipe is full, until it has unsubscribed and for 5 s at the longest:
  // then the rest of this execution's records is lost.
  void executed(uint32_t model, std::span<const OperatorTime> operators, double begin_ms);

  // Records of a subscriber's, checked; `bytes` of them are at `data`.
  OperatorRecord record(const void* data, size_t bytes, uint32_t index) const;
  size_t record_count(const void* data, size_t bytes) const;
  const std::string& text(uint32_t number) const;

 private:
  struct Subscriber {
    explicit Subscriber(int to) : pipe(to) {}
    const int pipe;
    std::atomic<bool> ended = false;
    std::mutex writing;
  };
  uint32_t number_of(const std::string& text);  // the caller holds mutex_
  void write_summary(std::span<const OperatorTime> operators, double begin_ms);

  mutable std::mutex mutex_;
  std::map<uint32_t, std::shared_ptr<Subscriber>> subscribers_;  // by model
  std::deque<std::string> texts_;  // of all records ever written: callers may keep records longer than models
  std::map<std::string, uint32_t> numbers_;
  std::filesystem::path folder_;
  bool initialised_ = false, started_ = false, begun_ = false;  // begun: the file has its head, since the last aclprofInit
};

}  // namespace ropeway::virtual_npu
