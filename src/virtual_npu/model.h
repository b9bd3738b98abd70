// A compiled model on the virtual device: computed by the CPU backend, timed by the cost model.
#pragma once

#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "chip/soc.h"
#include "virtual_npu/container.h"

namespace ropeway::virtual_npu {

struct Port {
  std::string name;
  TensorType type;
  size_t bytes() const { return static_cast<size_t>(element_count(type.shape)) * size_of(type.dtype); }
};

// Calls of `run` must not overlap.
class Model {
 public:
  // Throws Fault with the code that CANN gives for such a file: damaged, a vendor's, for another chip.
  static std::unique_ptr<Model> load(std::string_view bytes, const std::string& what, const chip::Soc& soc, const Backend& cpu);

  const std::vector<Port>& inputs() const { return inputs_; }
  const std::vector<Port>& outputs() const { return outputs_; }
  // In device memory: weights as the model keeps them, and room for intermediate values (assumed to be as much as the CPU backend needs).
  size_t weight_bytes() const { return weight_bytes_; }
  size_t work_bytes() const { return executable_->memory().context; }
  const std::vector<OperatorTime>& operators() const { return operators_; }  // in the order of execution
  double predicted_ms() const { return predicted_ms_; }                      // of one run

  // Buffers as ports() says, in their order.
  void run(std::span<void* const> inputs, std::span<void* const> outputs);

 private:
  Model() = default;
  std::vector<Port> inputs_, outputs_;
  std::vector<OperatorTime> operators_;
  size_t weight_bytes_ = 0;
  double predicted_ms_ = 0;
  std::shared_ptr<const Executable> executable_;
  std::unique_ptr<Context> context_;
};

}  // namespace ropeway::virtual_npu
