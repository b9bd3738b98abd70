// Kernels that are one function, and the reasons that many of them share for declining.
#pragma once

#include <memory>
#include <utility>

#include "cpu/kernel.h"

namespace ropeway::cpu {

// What Kernel::run receives, with the elements typed.
struct KernelArguments {
  std::span<const void* const> inputs;
  std::span<void* const> outputs;
  std::byte* scratch;
  ThreadPool& pool;

  template <class T = float> const T* in(size_t i) const { return static_cast<const T*>(inputs[i]); }
  template <class T = float> T* out(size_t i = 0) const { return static_cast<T*>(outputs[i]); }
};

template <class F>
class LambdaKernel final : public Kernel {
 public:
  LambdaKernel(F f, bool packs_constants) : f_(std::move(f)), packs_constants_(packs_constants) {}
  void run(std::span<const void* const> inputs, std::span<void* const> outputs, std::byte* scratch, ThreadPool& pool) const override {
    f_(KernelArguments{inputs, outputs, scratch, pool});
  }
  bool packs_constants() const override { return packs_constants_; }

 private:
  F f_;
  bool packs_constants_;
};

// A kernel that calls f(const KernelArguments&). `packs_constants`: f owns what it needs of the constant inputs.
template <class F>
std::unique_ptr<Kernel> make_kernel(F f, bool packs_constants = false) {
  return std::make_unique<LambdaKernel<F>>(std::move(f), packs_constants);
}

// For kernels of f32 that fuse nothing: why they cannot serve, or "".
inline std::string declines_f32(const KernelRequest& request) {
  if (!request.all_f32()) return "it computes in f32 only";
  if (!request.fusion.empty()) return "it fuses nothing";
  return "";
}

}  // namespace ropeway::cpu
