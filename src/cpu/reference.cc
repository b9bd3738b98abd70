#include "cpu/reference.h"

#include <cstring>
#include <vector>

#include "ops/operator.h"

namespace ropeway::cpu {
namespace {

// A tensor over memory of the caller's. Kernels only read their inputs, so `const` is cast away for a type that knows no other storage.
Tensor view(const TensorType& type, const void* elements) {
  return Tensor(type, std::shared_ptr<std::byte>(std::shared_ptr<void>(), static_cast<std::byte*>(const_cast<void*>(elements))));
}

class ReferenceKernel final : public Kernel {
 public:
  explicit ReferenceKernel(const KernelRequest& request) : op_(request.node.op), params_(request.node.params) {
    for (const ValueId id : request.node.inputs) types_.push_back(id == kNoValue ? TensorType{} : request.graph.type(id));
  }

  void run(std::span<const void* const> inputs, std::span<void* const> outputs, std::byte*, ThreadPool&) const override {
    std::vector<Tensor> tensors(types_.size());
    std::vector<const Tensor*> arguments(types_.size(), nullptr);
    for (size_t i = 0; i < types_.size(); ++i) {
      if (inputs[i] == nullptr) continue;
      tensors[i] = view(types_[i], inputs[i]);
      arguments[i] = &tensors[i];
    }
    const std::vector<Tensor> results = evaluate(op_, params_, arguments);
    for (size_t i = 0; i < results.size(); ++i) {
      if (results[i].bytes() > 0) std::memcpy(outputs[i], results[i].raw(), results[i].bytes());
    }
  }

 private:
  Op op_;
  Params params_;
  std::vector<TensorType> types_;
};

std::string declines(const KernelRequest& request) { return request.fusion.empty() ? "" : "it fuses nothing"; }

}  // namespace

const Implementation& reference_implementation() {
  static const Implementation row{"reference", Layout::plain, Layout::plain, declines,
                                  [](const KernelRequest& request) -> std::unique_ptr<Kernel> { return std::make_unique<ReferenceKernel>(request); }};
  return row;
}

}  // namespace ropeway::cpu
