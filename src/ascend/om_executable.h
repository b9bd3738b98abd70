// A compiled model on an NPU, ready to run.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <vector>

#include "ascend/device.h"
#include "ascend/profiler.h"
#include "backend/backend.h"

namespace ropeway::ascend {

struct Port {
  std::string name;
  TensorType type;
  size_t bytes = 0;  // that CANN wants a buffer to have; at least what the type takes
};

class OmExecutable final : public Executable {
 public:
  // Loads a .om file. `what` names it in messages. A run that takes longer than `run_seconds` gives the device up. `steps`: the one that it is as a whole.
  // Throws Error{device}; Error{invalid_model} for a damaged file, or one for another chip or CANN.
  OmExecutable(std::shared_ptr<const Device> device, const std::filesystem::path& om, std::string what, std::vector<StepInfo> steps, double run_seconds);
  ~OmExecutable() override;

  // In the file's order.
  const std::vector<Port>& inputs() const { return inputs_; }
  const std::vector<Port>& outputs() const { return outputs_; }
  // Input `i` of run() is the file's input of this name; without, they are in the file's order. Outputs are in the file's. Throws Error{invalid_model} unless the file has
  // exactly these inputs and as many outputs, of these types.
  void expect_ports(const std::vector<std::string>& names, const std::vector<TensorType>& inputs, const std::vector<TensorType>& outputs);

  // What the model consists of, as the profiler tells it in a run with inputs of 0.
  std::vector<OperatorTime> operators() const;
  // What steps() gives from now on; `operators`: they are the operators in their order, and traces have a time for each. Before anybody else knows of this executable.
  void describe(std::vector<StepInfo> steps, bool operators);

  std::unique_ptr<Context> make_context() const override;
  void run(Context& context, std::span<const Tensor> inputs, std::span<Tensor> outputs, Trace* trace) const override;
  const std::vector<StepInfo>& steps() const override { return steps_; }
  MemoryUse memory() const override { return memory_; }

 private:
  void read_description();
  Port port(const std::string& name, cann::aclDataType type, size_t bytes, const cann::aclmdlIODims& dims) const;
  void execute(class OmContext& context) const;
  double elapsed_ms(const std::shared_ptr<void>& first, const std::shared_ptr<void>& last) const;  // between two events
  void submit(class OmContext& context, std::unique_lock<std::mutex>& turn) const;
  std::vector<OperatorTime> execute_profiled(class OmContext& context) const;

  std::shared_ptr<const Device> device_;
  std::string what_;
  uint32_t model_ = 0;
  std::vector<Port> inputs_, outputs_;
  std::vector<size_t> input_order_;  // by input of run(): index in the file
  std::vector<StepInfo> steps_;
  MemoryUse memory_;
  double run_seconds_;
  bool times_operators_ = false;
  mutable std::atomic<int> contexts_ = 0;
  mutable std::mutex running_;    // CANN: a loaded model must not run on two streams at once
  mutable std::shared_mutex profiling_;  // held alone by who profiles: a subscription tells of every run of the model
};

}  // namespace ropeway::ascend
