// Running models on the virtual device.
#include <algorithm>
#include <chrono>
#include <thread>

#include "virtual_npu/device.h"
#include "virtual_npu/fault.h"

namespace ropeway::virtual_npu {

// What one execution needs until it has ended: the model, and the memory behind its buffers, whatever the caller frees meanwhile.
struct Device::Execution {
  std::shared_ptr<Loaded> loaded;
  std::vector<void*> inputs, outputs;
  std::vector<std::shared_ptr<void>> keepers;
};

std::shared_ptr<Device::Execution> Device::prepare(uint32_t id, const BufferList& inputs, const BufferList& outputs) const {
  auto execution = std::make_shared<Execution>();
  execution->loaded = loaded(id);
  const auto check = [&](const char* what, const std::vector<Port>& ports, const BufferList& buffers) {
    if (buffers.data.size() != ports.size()) refuse(Rule::wrong_number_of_buffers, "{} {}s are given, but the model has {}", buffers.data.size(), what, ports.size());
    for (size_t i = 0; i < ports.size(); ++i) {
      if (buffers.bytes[i] < ports[i].bytes()) refuse(Rule::buffer_too_small, "{} {} takes {} bytes, but its buffer has {}", what, ports[i].name, ports[i].bytes(), buffers.bytes[i]);
      check_device_memory(buffers.data[i], ports[i].bytes(), fmt::format("{} {}", what, ports[i].name));
      execution->keepers.push_back(memory_.find(buffers.data[i], ports[i].bytes()));
    }
  };
  check("input", execution->loaded->model->inputs(), inputs);
  check("output", execution->loaded->model->outputs(), outputs);
  execution->inputs = inputs.data;
  execution->outputs = outputs.data;
  return execution;
}

// Slow, hanging and lost devices.
void Device::fail_on_purpose(double& extra_ms) {
  const FaultPlan& plan = failures_.plan();
  extra_ms = plan.slow_ms;
  if (plan.slow_ms == 0 && plan.hang == 0 && plan.lost == 0) return;
  const int execution = failures_.next_execution();
  std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(plan.slow_ms));
  if (execution == plan.lost) {
    lost_ = true;
    refuse(Rule::device_lost, "ROPEWAY_VIRTUAL_FAULTS asks for it at execution {}", execution);
  }
  if (execution == plan.hang) {
    std::unique_lock lock(mutex_);
    const int before = resets_;
    reset_happened_.wait(lock, [&] { return resets_ != before; });
    refuse(Rule::device_lost, "the device was reset during an execution");
  }
}

double Device::run(Execution& execution, double begin_ms) {
  if (lost_) refuse(Rule::device_lost);
  double extra_ms = 0;
  fail_on_purpose(extra_ms);
  Loaded& loaded = *execution.loaded;
  double start_ms = 0, end_ms = 0;
  {
    const std::lock_guard lock(core_);
    loaded.model->run(execution.inputs, execution.outputs);
    start_ms = std::max(begin_ms, core_free_ms_);
    end_ms = core_free_ms_ = start_ms + loaded.model->predicted_ms() + extra_ms;
  }
  profiling_.executed(loaded.id, loaded.model->operators(), start_ms);
  return end_ms;
}

void Device::execute(uint32_t id, const BufferList& inputs, const BufferList& outputs) {
  const std::shared_ptr<Execution> execution = prepare(id, inputs, outputs);
  const std::lock_guard lock(execution->loaded->mutex);
  if (execution->loaded->queued > 0) refuse(Rule::model_busy, "model {}", id);
  program_knows(run(*execution, program_ms()));
}

void Device::execute_async(uint32_t id, const BufferList& inputs, const BufferList& outputs, const void* handle) {
  const std::shared_ptr<Stream> on = stream(handle);
  std::shared_ptr<Execution> execution = prepare(id, inputs, outputs);
  Loaded& loaded = *execution->loaded;
  {
    const std::lock_guard lock(loaded.mutex);
    if (loaded.queued > 0 && loaded.stream != on.get()) refuse(Rule::model_busy, "model {}", id);
    ++loaded.queued;
    loaded.stream = on.get();
  }
  // Done, failed or thrown away: the model is free again.
  std::shared_ptr<Execution> queued(execution.get(), [execution](Execution*) {
    const std::lock_guard lock(execution->loaded->mutex);
    --execution->loaded->queued;
  });
  on->submit(program_ms(), [this, queued](double begin_ms) { return run(*queued, begin_ms); });
}

}  // namespace ropeway::virtual_npu
