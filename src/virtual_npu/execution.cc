// Loading and running models on the virtual device.
#include <algorithm>
#include <chrono>
#include <thread>

#include "cpu/backend.h"
#include "virtual_npu/device.h"
#include "virtual_npu/fault.h"

namespace ropeway::virtual_npu {

std::shared_ptr<Model> Device::read(std::string_view bytes, const std::string& what) {
  check_initialised();
  std::shared_ptr<const Backend> cpu;
  {
    const std::lock_guard lock(mutex_);
    if (!cpu_) cpu_ = make_cpu_backend(0);
    cpu = cpu_;
  }
  try {
    return Model::load(bytes, what, soc_, *cpu);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::out_of_memory) refuse(Rule::no_memory, "{}: the memory behind the virtual device is exhausted: {}", what, error.message());
    throw;
  }
}

uint32_t Device::load(std::string_view bytes, const std::string& what, bool reserves) {
  context();
  const auto loaded = std::make_shared<Loaded>();
  loaded->model = read(bytes, what);
  loaded->reserved = reserves ? loaded->model->weight_bytes() + loaded->model->work_bytes() : 0;
  memory_.reserve(loaded->reserved, what.c_str());
  const std::lock_guard lock(mutex_);
  loaded->id = next_model_++;
  models_[loaded->id] = loaded;
  return loaded->id;
}

uint32_t Device::load_from_memory(std::string_view bytes, bool reserves) {
  context();
  const bool on_device = memory_.find(bytes.data(), bytes.size()) != nullptr;
  if (mode_ == Mode::board && !on_device) refuse(Rule::model_in_host_memory);
  if (mode_ == Mode::card && on_device) refuse(Rule::model_in_device_memory);
  return load(bytes, "the model in memory", reserves);
}

std::shared_ptr<Device::Loaded> Device::loaded(uint32_t id) const {
  context();
  const std::lock_guard lock(mutex_);
  const auto at = models_.find(id);
  if (at == models_.end()) refuse(Rule::unknown_model, "model {}", id);
  return at->second;
}

void Device::unload(uint32_t id) {
  const std::shared_ptr<Loaded> unloaded = loaded(id);
  {
    const std::lock_guard lock(mutex_);
    if (models_.erase(id) == 0) refuse(Rule::unknown_model, "model {}", id);  // another thread was faster
  }
  memory_.release(unloaded->reserved);
  profiling_.forget(id);
}

std::shared_ptr<const Model> Device::model(uint32_t id) const { return loaded(id)->model; }

// What one execution needs until it has ended: the model, and the memory behind its buffers, whatever the caller frees meanwhile.
struct Device::Execution {
  std::shared_ptr<Loaded> loaded;
  std::vector<void*> inputs, outputs;
  std::vector<std::shared_ptr<void>> keepers;
  int resets = 0;  // of the device, before it
  std::unique_ptr<Core::Turn> turn;
};

std::shared_ptr<Device::Execution> Device::prepare(uint32_t id, const BufferList& inputs, const BufferList& outputs) const {
  auto execution = std::make_shared<Execution>();
  execution->loaded = loaded(id);
  {
    const std::lock_guard lock(mutex_);
    execution->resets = resets_;
  }
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

// What was queued before a reset is not done after it.
void Device::check_reset(const Execution& execution) const {
  const std::lock_guard lock(mutex_);
  if (resets_ != execution.resets) refuse(Rule::device_lost, "it was reset before this execution had ended");
}

// Slow, hanging and lost devices.
void Device::fail_on_purpose(const Execution& execution) {
  const FaultPlan& plan = failures_.plan();
  if (plan.slow_ms == 0 && plan.hang == 0 && plan.lost == 0) return;
  const int number = failures_.next_execution();
  std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(plan.slow_ms));
  if (number == plan.lost) {
    lost_ = true;
    refuse(Rule::device_lost, "ROPEWAY_VIRTUAL_FAULTS asks for it at execution {}", number);
  }
  if (number == plan.hang) {
    std::unique_lock lock(mutex_);
    reset_happened_.wait(lock, [&] { return resets_ != execution.resets; });
  }
}

double Device::run(Execution& execution, double begin_ms) {
  execution.turn->wait();
  if (lost_) refuse(Rule::device_lost);
  check_reset(execution);
  fail_on_purpose(execution);
  check_reset(execution);
  Loaded& loaded = *execution.loaded;
  loaded.model->run(execution.inputs, execution.outputs);
  const double start_ms = std::max(begin_ms, core_free_ms_);
  const double end_ms = core_free_ms_ = start_ms + loaded.model->predicted_ms() + failures_.plan().slow_ms;
  execution.turn = nullptr;
  std::vector<OperatorTime> operators = loaded.model->operators();
  if (!operators.empty()) operators.back().ms += failures_.plan().slow_ms;
  profiling_.executed(loaded.id, operators, start_ms);
  return end_ms;
}

// The execution with the model taken for `stream` until it is done, failed or thrown away.
std::shared_ptr<Device::Execution> Device::occupied(std::shared_ptr<Execution> execution, const void* stream) {
  Loaded& loaded = *execution->loaded;
  const std::lock_guard lock(loaded.mutex);
  if (loaded.queued > 0 && loaded.stream != stream) refuse(Rule::model_busy, "model {}", loaded.id);
  ++loaded.queued;
  loaded.stream = stream;
  Execution* const plain = execution.get();
  return {plain, [kept = std::move(execution)](Execution*) {
            const std::lock_guard release(kept->loaded->mutex);
            --kept->loaded->queued;
          }};
}

void Device::execute(uint32_t id, const BufferList& inputs, const BufferList& outputs) {
  std::shared_ptr<Execution> execution = prepare(id, inputs, outputs);
  const std::shared_ptr<Loaded> loaded = execution->loaded;
  const std::lock_guard lock(loaded->one_at_a_time);
  execution = occupied(std::move(execution), loaded.get());
  execution->turn = std::make_unique<Core::Turn>(core_);
  program_knows(run(*execution, program_ms()));
}

void Device::execute_async(uint32_t id, const BufferList& inputs, const BufferList& outputs, const void* handle) {
  const std::shared_ptr<Stream> on = stream(handle);
  const std::shared_ptr<Execution> queued = occupied(prepare(id, inputs, outputs), on.get());
  const std::lock_guard lock(order_);
  queued->turn = std::make_unique<Core::Turn>(core_);
  on->submit(program_ms(), [this, queued](double begin_ms) { return run(*queued, begin_ms); });
}

}  // namespace ropeway::virtual_npu
