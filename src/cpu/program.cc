#include "cpu/program.h"

#include <chrono>

#include "base/text.h"

namespace ropeway::cpu {
namespace {

struct ProgramContext final : Context {
  std::shared_ptr<std::byte> arena;
  std::vector<void*> addresses;  // by buffer
  std::vector<const void*> inputs;
  std::vector<void*> outputs;
};

}  // namespace

std::unique_ptr<Context> Program::make_context() const {
  auto context = std::make_unique<ProgramContext>();
  context->arena = allocate_buffer(arena_bytes_);
  context->addresses.resize(buffers_.size(), nullptr);
  for (size_t i = 0; i < buffers_.size(); ++i) {
    const Buffer& buffer = buffers_[i];
    if (buffer.place == Place::arena) context->addresses[i] = context->arena.get() + buffer.offset;
    if (buffer.place == Place::constant) context->addresses[i] = const_cast<std::byte*>(buffer.constant.raw());
  }
  size_t inputs = 0, outputs = 0;
  for (const Step& step : steps_) {
    inputs = std::max(inputs, step.inputs.size());
    outputs = std::max(outputs, step.outputs.size());
  }
  context->inputs.resize(inputs);
  context->outputs.resize(outputs);
  return context;
}

void Program::run(Context& base, std::span<const Tensor> inputs, std::span<Tensor> outputs, Trace* trace) const {
  auto& context = static_cast<ProgramContext&>(base);
  for (size_t i = 0; i < buffers_.size(); ++i) {
    const Buffer& buffer = buffers_[i];
    if (buffer.place == Place::input) context.addresses[i] = const_cast<std::byte*>(inputs[buffer.index].raw());
    if (buffer.place == Place::output) context.addresses[i] = outputs[buffer.index].raw();
  }
  const auto address = [&](int buffer) { return buffer < 0 ? nullptr : context.addresses[static_cast<size_t>(buffer)]; };
  std::byte* const scratch = context.arena.get() + scratch_offset_;
  if (trace != nullptr) trace->step_ms.resize(steps_.size());
  for (size_t s = 0; s < steps_.size(); ++s) {
    const Step& step = steps_[s];
    for (size_t i = 0; i < step.inputs.size(); ++i) context.inputs[i] = address(step.inputs[i]);
    for (size_t i = 0; i < step.outputs.size(); ++i) context.outputs[i] = address(step.outputs[i]);
    const auto begin = trace == nullptr ? std::chrono::steady_clock::time_point{} : std::chrono::steady_clock::now();
    try {
      step.kernel->run({context.inputs.data(), step.inputs.size()}, {context.outputs.data(), step.outputs.size()}, scratch, *pool_);
    } catch (Error& error) {
      if (!step.what.empty()) error.add_note(fmt::format("while computing {}", step.what));
      throw;
    }
    if (trace != nullptr) trace->step_ms[s] = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
  }
}

MemoryUse Program::memory() const {
  MemoryUse use;
  use.context = arena_bytes_;
  for (const Buffer& buffer : buffers_) {
    if (buffer.place == Place::constant) use.weights += buffer.constant.bytes();
  }
  for (const Step& step : steps_) {
    use.weights += step.kernel->weight_bytes();
    use.half_weights += step.kernel->half_weight_bytes();
  }
  return use;
}

}  // namespace ropeway::cpu
