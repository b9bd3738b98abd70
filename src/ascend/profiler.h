// What a compiled model's operators took, by CANN's profiler (aclprof).
#pragma once

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "ascend/device.h"

namespace ropeway::ascend {

struct OperatorTime {
  std::string name;  // made of the names of the nodes that were fused into it
  std::string type;  // of CANN's graph engine: "Conv2D"
  double ms = 0;
};

// Listens to one model while this lives. For one thread.
class Subscription {
 public:
  // Whether the installation's profiler has all that this needs.
  static bool is_available(const cann::Functions& functions);

  // `what` names the model in messages. Throws Error{device, io}.
  Subscription(std::shared_ptr<const Device> device, uint32_t model, std::string what);
  ~Subscription();
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

  // Ends it: the operators that have run meanwhile, in the order in which the device told them. Throws Error{device}.
  std::vector<OperatorTime> finish();

 private:
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
