#include "cpu/reference.h"

#include <algorithm>
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
  explicit ReferenceKernel(const KernelRequest& request) : op_(request.node.op), params_(request.node.params), activation_(request.fusion.activation) {
    for (const ValueId id : request.node.inputs) inputs_.push_back(id == kNoValue ? TensorType{} : request.graph.type(id));
    residual_at_ = std::max(inputs_.size(), info(op_).inputs.size());
    if (request.fusion.bias != kNoValue) bias_ = request.graph.value(request.fusion.bias).constant;
    if (request.fusion.residual != kNoValue) residual_ = request.graph.type(request.fusion.residual);
  }

  void run(std::span<const void* const> inputs, std::span<void* const> outputs, std::byte*, ThreadPool&) const override {
    std::vector<Tensor> tensors;
    for (size_t i = 0; i < inputs_.size(); ++i) tensors.push_back(inputs[i] == nullptr ? Tensor() : view(inputs_[i], inputs[i]));
    std::vector<const Tensor*> arguments;
    for (size_t i = 0; i < inputs_.size(); ++i) arguments.push_back(inputs[i] == nullptr ? nullptr : &tensors[i]);
    std::vector<Tensor> results = evaluate(op_, params_, arguments);
    if (bias_) add(results[0], *bias_);
    if (residual_) add(results[0], view(*residual_, inputs[residual_at_]));
    if (activation_) results[0] = evaluate(Op::Unary, *activation_, {&results[0]}).front();
    for (size_t i = 0; i < results.size(); ++i) {
      if (results[i].bytes() > 0) std::memcpy(outputs[i], results[i].raw(), results[i].bytes());
    }
  }

 private:
  static void add(Tensor& to, const Tensor& other) { to = evaluate(Op::Binary, BinaryParams{BinaryFunction::add}, {&to, &other}).front(); }

  Op op_;
  Params params_;
  std::optional<UnaryParams> activation_;
  std::vector<TensorType> inputs_;
  size_t residual_at_ = 0;
  std::optional<Tensor> bias_;
  std::optional<TensorType> residual_;
};

}  // namespace

const Implementation& reference_implementation() {
  static const Implementation row{"reference", Layout::plain, Layout::plain, [](const KernelRequest&) { return std::string(); },
                                  [](const KernelRequest& request) -> std::unique_ptr<Kernel> { return std::make_unique<ReferenceKernel>(request); }};
  return row;
}

}  // namespace ropeway::cpu
