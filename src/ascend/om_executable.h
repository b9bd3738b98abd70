// A compiled model on an NPU, ready to run.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "ascend/device.h"
#include "backend/backend.h"

namespace ropeway::ascend {

struct Port {
  std::string name;
  TensorType type;
  size_t bytes = 0;  // that CANN wants a buffer to have; at least what the type takes
};

class OmExecutable final : public Executable {
 public:
  // Loads a .om file. `what` names it in messages. Throws Error{device}; Error{invalid_model} for a damaged file, or one for another chip or CANN.
  OmExecutable(std::shared_ptr<const Device> device, const std::filesystem::path& om, std::string what, std::vector<StepInfo> steps);
  ~OmExecutable() override;

  // In the file's order.
  const std::vector<Port>& inputs() const { return inputs_; }
  const std::vector<Port>& outputs() const { return outputs_; }
  // Input `i` of run() is the file's input of this name; without, they are in the file's order. Outputs are in the file's. Throws Error{invalid_model} unless the file has
  // exactly these inputs and as many outputs, of these types.
  void expect_ports(const std::vector<std::string>& names, const std::vector<TensorType>& inputs, const std::vector<TensorType>& outputs);

  std::unique_ptr<Context> make_context() const override;
  void run(Context& context, std::span<const Tensor> inputs, std::span<Tensor> outputs, Trace* trace) const override;
  const std::vector<StepInfo>& steps() const override { return steps_; }
  MemoryUse memory() const override { return memory_; }

 private:
  void read_description();
  void execute(class OmContext& context) const;
  void submit(class OmContext& context) const;

  std::shared_ptr<const Device> device_;
  std::string what_;
  uint32_t model_ = 0;
  std::vector<Port> inputs_, outputs_;
  std::vector<size_t> input_order_;  // by input of run(): index in the file
  std::vector<StepInfo> steps_;
  MemoryUse memory_;
  mutable std::mutex running_;  // CANN: a loaded model must not run on two streams at once
};

}  // namespace ropeway::ascend
