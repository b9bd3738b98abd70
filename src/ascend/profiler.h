// What a compiled model's operators took, by CANN's profiler (aclprof).
#pragma once

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "ascend/device.h"
#include "ropeway/error.h"

namespace ropeway::ascend {

struct OperatorTime {
  std::string name;  // made of the names of the nodes that were fused into it
  std::string type;  // of CANN's graph engine: "Conv2D"
  double ms = 0;
};

// A failure of the profiler's alone: the model may run all the same.
class ProfilerError : public Error {
 public:
  using Error::Error;
};

// Listens to one model while this lives. For one thread.
class Subscription {
 public:
  // Whether the installation's profiler has all that this needs.
  static bool is_available(const cann::Functions& functions);

  // `what` names the model in messages. Throws ProfilerError, also below; Error{device} when the device is given up.
  Subscription(std::shared_ptr<const Device> device, uint32_t model, std::string what);
  ~Subscription();
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

  // Ends it: the operators that have run meanwhile, in the order in which the device told them.
  std::vector<OperatorTime> finish();

 private:
  template <class Action>
  auto as_profiler(Action action) const;  // its result; what it throws becomes a ProfilerError
  void begin();
  void read_all();
  std::vector<OperatorTime> parse() const;
  cann::aclError end();
  void close_writer(bool has_ended);

  const std::shared_ptr<const Device> device_;
  const uint32_t model_;
  const std::string what_;
  int pipe_[2] = {-1, -1};
  bool subscribed_ = false;
  std::shared_ptr<cann::aclprofSubscribeConfig> config_;
  std::string data_;
  std::thread reader_;  // the device writes while the model runs, and a pipe is soon full
};

}  // namespace ropeway::ascend
