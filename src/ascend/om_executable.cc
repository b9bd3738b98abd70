#include "ascend/om_executable.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <optional>

#include "base/text.h"
#include "cann/errors.h"

namespace ropeway::ascend {
namespace {

constexpr double kMostOff = 100;   // times by which the profiler's sum may differ from the time of all; launches of small operators take long
constexpr double kLeastMs = 1e-3;  // less is not measured

std::optional<DType> dtype_of(cann::aclDataType type) {
  switch (type) {
    case cann::ACL_FLOAT: return DType::f32;
    case cann::ACL_FLOAT16: return DType::f16;
    case cann::ACL_BF16: return DType::bf16;
    case cann::ACL_DOUBLE: return DType::f64;
    case cann::ACL_INT8: return DType::i8;
    case cann::ACL_INT16: return DType::i16;
    case cann::ACL_INT32: return DType::i32;
    case cann::ACL_INT64: return DType::i64;
    case cann::ACL_UINT8: return DType::u8;
    case cann::ACL_UINT16: return DType::u16;
    case cann::ACL_UINT32: return DType::u32;
    case cann::ACL_UINT64: return DType::u64;
    case cann::ACL_BOOL: return DType::boolean;
    default: return std::nullopt;
  }
}

size_t bytes_of(const TensorType& type) { return static_cast<size_t>(element_count(type.shape)) * size_of(type.dtype); }

// What loading says of a file that is no good; everything else is the device's failure.
bool blames_file(cann::aclError code) {
  for (const cann::aclError each : {cann::ACL_ERROR_DESERIALIZE_MODEL, cann::ACL_ERROR_PARSE_MODEL, cann::ACL_ERROR_MODEL_SIZE_INVALID, cann::ACL_ERROR_MODEL_MISSING_ATTR, cann::ACL_ERROR_RT_SOC_VERSION,
                                    cann::ACL_ERROR_RT_TASK_TYPE_NOT_SUPPORT, cann::ACL_ERROR_GE_LOAD_MODEL, cann::ACL_ERROR_GE_EXEC_MODEL_DATA_SIZE_INVALID}) {
    if (code == each) return true;
  }
  return false;
}

}  // namespace

// One side, inputs or outputs, of a caller's buffers: page-locked memory on the host, memory on the device, and the dataset that lists the latter.
struct Buffers {
  std::vector<std::shared_ptr<void>> host, device;
  std::vector<std::shared_ptr<cann::aclDataBuffer>> entries;
  std::shared_ptr<cann::aclmdlDataset> dataset;
};

class OmContext final : public Context {
 public:
  explicit OmContext(std::atomic<int>& contexts) : count_(contexts) { ++count_; }
  ~OmContext() override { --count_; }

  std::shared_ptr<void> stream;
  std::shared_ptr<void> begin, loaded, computed, end;  // events: before and after the copies, and around the model
  Buffers inputs, outputs;

 private:
  std::atomic<int>& count_;
};

namespace {

// The calls that describe one side, inputs or outputs, and their names for messages.
struct PortCalls {
  size_t (*count)(cann::aclmdlDesc*);
  const char* (*name)(const cann::aclmdlDesc*, size_t);
  cann::aclError (*dims)(const cann::aclmdlDesc*, size_t, cann::aclmdlIODims*);
  cann::aclDataType (*type)(const cann::aclmdlDesc*, size_t);
  size_t (*size)(cann::aclmdlDesc*, size_t);
  const char *count_name, *name_name, *dims_name, *type_name, *size_name;
};

Buffers make_buffers(const Device& device, const std::vector<Port>& ports, const std::string& what) {
  const cann::Functions& f = device.functions();
  Buffers result;
  result.dataset.reset(f.aclmdlCreateDataset(), [owner = device.shared_from_this()](cann::aclmdlDataset* each) {
    if (each != nullptr && !owner->is_given_up()) owner->functions().aclmdlDestroyDataset(each);
  });
  device.check_value(result.dataset != nullptr, "aclmdlCreateDataset", "preparing " + what);
  for (const Port& port : ports) {
    const size_t bytes = port.bytes;
    const std::string name = fmt::format("{} of {}", port.name, what);
    result.host.push_back(device.allocate_host(bytes, name));
    result.device.push_back(device.allocate(bytes, name));
    result.entries.emplace_back(f.aclCreateDataBuffer(result.device.back().get(), bytes), [owner = device.shared_from_this()](cann::aclDataBuffer* each) {
      if (each != nullptr && !owner->is_given_up()) owner->functions().aclDestroyDataBuffer(each);
    });
    device.check_value(result.entries.back() != nullptr, "aclCreateDataBuffer", "preparing " + name);
    device.check(f.aclmdlAddDatasetBuffer(result.dataset.get(), result.entries.back().get()), "aclmdlAddDatasetBuffer", "preparing " + name);
  }
  return result;
}

}  // namespace

OmExecutable::OmExecutable(std::shared_ptr<const Device> device, const std::filesystem::path& om, std::string what, std::vector<StepInfo> steps, double run_seconds)
    : device_(std::move(device)), what_(std::move(what)), steps_(std::move(steps)), run_seconds_(run_seconds) {
  const auto entered = device_->enter();
  const size_t free_before = device_->free_bytes();
  const std::string doing = fmt::format("loading {} ({}) on {}", what_, om.string(), device_->title());
  if (const cann::aclError code = device_->functions().aclmdlLoadFromFile(om.c_str(), &model_); code != cann::ACL_SUCCESS) {
    device_->fail_with(blames_file(code) ? ErrorCode::invalid_model : ErrorCode::device, code, "aclmdlLoadFromFile", doing);
  }
  const size_t free_after = device_->free_bytes();
  memory_.weights = free_before > free_after ? free_before - free_after : 0;  // and room for intermediate values: all that the device gave
  try {
    read_description();
  } catch (...) {
    if (!device_->is_given_up()) device_->functions().aclmdlUnload(model_);
    throw;
  }
}

OmExecutable::~OmExecutable() {
  // The device frees the rest when the process ends; nothing here can be told to anybody.
  if (device_->is_given_up()) return;
  try {
    const auto entered = device_->enter();
    device_->functions().aclmdlUnload(model_);
  } catch (const Error&) {
  }
}

Port OmExecutable::port(const std::string& name, cann::aclDataType type, size_t bytes, const cann::aclmdlIODims& dims) const {
  const auto dtype = dtype_of(type);
  if (!dtype) fail(ErrorCode::unsupported, "{} of {} has the data type {} of CANN, which Ropeway does not know", name, what_, static_cast<int>(type));
  Port result{name, {*dtype, Shape(dims.dims, dims.dims + dims.dimCount)}, bytes};
  if (std::any_of(result.type.shape.begin(), result.type.shape.end(), [](int64_t size) { return size < 0; })) fail(ErrorCode::unsupported, "{} of {} has an open size: compile the model with fixed ones", name, what_);
  if (bytes_of(result.type) > bytes) fail(ErrorCode::device, "{} of {} is {}, but CANN has only {} bytes for it", name, what_, to_string(result.type), bytes);
  return result;
}

void OmExecutable::read_description() {
  const cann::Functions& f = device_->functions();
  const std::string doing = "asking what " + what_ + " takes and gives";
  const std::shared_ptr<cann::aclmdlDesc> description(f.aclmdlCreateDesc(), [&](cann::aclmdlDesc* each) {
    if (each != nullptr && !device_->is_given_up()) f.aclmdlDestroyDesc(each);
  });
  device_->check_value(description != nullptr, "aclmdlCreateDesc", doing);
  cann::aclmdlDesc* const desc = description.get();
  device_->check(f.aclmdlGetDesc(desc, model_), "aclmdlGetDesc", doing);
  const auto read = [&](std::vector<Port>& ports, const PortCalls& calls) {
    device_->recent_text();  // an older one is not about this
    const size_t count = calls.count(desc);
    // A model may have no inputs; whether it has none or the call has failed, CANN's text alone tells.
    if (const std::string recent = count == 0 ? device_->recent_text() : ""; !recent.empty()) fail(ErrorCode::device, "{} gives nothing while {}: {}", calls.count_name, doing, recent);
    for (size_t i = 0; i < count; ++i) {
      const char* const name = calls.name(desc, i);
      device_->check_value(name != nullptr && *name != '\0', calls.name_name, doing);
      cann::aclmdlIODims dims{};
      device_->check(calls.dims(desc, i, &dims), calls.dims_name, doing);
      const cann::aclDataType type = calls.type(desc, i);
      device_->check_value(type != cann::ACL_DT_UNDEFINED, calls.type_name, doing);
      const size_t bytes = calls.size(desc, i);
      device_->check_value(bytes > 0, calls.size_name, doing);
      ports.push_back(port(name, type, bytes, dims));
      memory_.context += 2 * bytes;
    }
  };
  read(inputs_, {f.aclmdlGetNumInputs, f.aclmdlGetInputNameByIndex, f.aclmdlGetInputDims, f.aclmdlGetInputDataType, f.aclmdlGetInputSizeByIndex, "aclmdlGetNumInputs", "aclmdlGetInputNameByIndex", "aclmdlGetInputDims",
                 "aclmdlGetInputDataType", "aclmdlGetInputSizeByIndex"});
  read(outputs_, {f.aclmdlGetNumOutputs, f.aclmdlGetOutputNameByIndex, f.aclmdlGetOutputDims, f.aclmdlGetOutputDataType, f.aclmdlGetOutputSizeByIndex, "aclmdlGetNumOutputs", "aclmdlGetOutputNameByIndex",
                  "aclmdlGetOutputDims", "aclmdlGetOutputDataType", "aclmdlGetOutputSizeByIndex"});
  input_order_.resize(inputs_.size());
  std::iota(input_order_.begin(), input_order_.end(), size_t{0});
}

void OmExecutable::expect_ports(const std::vector<std::string>& names, const std::vector<TensorType>& inputs, const std::vector<TensorType>& outputs) {
  const auto expect = [&](const Port& port, const TensorType& type) {
    if (port.type != type) fail(ErrorCode::invalid_model, "{} of the compiled {} is {} where {} was asked for", port.name, what_, to_string(port.type), to_string(type));
  };
  if (inputs_.size() != names.size() || outputs_.size() != outputs.size()) {
    fail(ErrorCode::invalid_model, "the compiled {} has {} inputs and {} outputs where {} and {} were asked for", what_, inputs_.size(), outputs_.size(), names.size(), outputs.size());
  }
  input_order_.clear();
  for (size_t i = 0; i < names.size(); ++i) {
    const auto at = std::find_if(inputs_.begin(), inputs_.end(), [&](const Port& port) { return port.name == names[i]; });
    if (at == inputs_.end()) fail(ErrorCode::invalid_model, "the compiled {} has no input {}", what_, names[i]);
    expect(*at, inputs[i]);
    input_order_.push_back(static_cast<size_t>(at - inputs_.begin()));
  }
  for (size_t i = 0; i < outputs.size(); ++i) expect(outputs_[i], outputs[i]);
}

std::unique_ptr<Context> OmExecutable::make_context() const {
  const auto entered = device_->enter();
  auto context = std::make_unique<OmContext>(contexts_);
  context->stream = device_->make_stream();
  for (auto* event : {&context->begin, &context->loaded, &context->computed, &context->end}) *event = device_->make_event();
  context->inputs = make_buffers(*device_, inputs_, what_);
  context->outputs = make_buffers(*device_, outputs_, what_);
  return context;
}

void OmExecutable::execute(OmContext& context) const {
  std::unique_lock turn(running_, std::defer_lock);
  try {
    submit(context, turn);
  } catch (...) {
    // What is queued must not outlive this call, nor the turn: it reads and writes the context's buffers, and runs the model. What it says is not news, unless it hangs.
    if (!device_->is_given_up()) {
      try {
        device_->synchronise(context.stream.get(), run_seconds_, "ending " + what_ + " after a failure");
      } catch (const Error&) {
      }
    }
    throw;
  }
}

// From page-locked inputs to page-locked outputs. The events take the times of the device's clock.
void OmExecutable::submit(OmContext& context, std::unique_lock<std::mutex>& turn) const {
  const cann::Functions& f = device_->functions();
  void* const stream = context.stream.get();
  const std::string doing = "running " + what_;
  const auto record = [&](const std::shared_ptr<void>& event) { device_->check(f.aclrtRecordEvent(event.get(), stream), "aclrtRecordEvent", doing); };
  const auto copy = [&](void* to, const void* from, size_t bytes, cann::aclrtMemcpyKind kind) {
    if (bytes > 0) device_->check(f.aclrtMemcpyAsync(to, bytes, from, bytes, kind, stream), "aclrtMemcpyAsync", doing);
  };
  record(context.begin);
  for (size_t i = 0; i < inputs_.size(); ++i) copy(context.inputs.device[i].get(), context.inputs.host[i].get(), bytes_of(inputs_[i].type), cann::ACL_MEMCPY_HOST_TO_DEVICE);
  record(context.loaded);
  turn.lock();
  device_->check(f.aclmdlExecuteAsync(model_, context.inputs.dataset.get(), context.outputs.dataset.get(), stream), "aclmdlExecuteAsync", doing);
  record(context.computed);
  // With other callers about, the next one's turn begins when this one has computed: its inputs are copied before, these outputs meanwhile.
  // Alone, nothing is gained by waiting in the middle.
  if (contexts_ > 1) {
    device_->synchronise(stream, run_seconds_, doing);
    turn.unlock();
  }
  for (size_t i = 0; i < outputs_.size(); ++i) copy(context.outputs.host[i].get(), context.outputs.device[i].get(), bytes_of(outputs_[i].type), cann::ACL_MEMCPY_DEVICE_TO_HOST);
  record(context.end);
  device_->synchronise(stream, run_seconds_, doing);
}

std::vector<OperatorTime> OmExecutable::execute_profiled(OmContext& context) const {
  const std::lock_guard lock(profiling_);
  Subscription subscription(device_, model_, what_);
  execute(context);
  return subscription.finish();
}

std::vector<OperatorTime> OmExecutable::operators() const {
  const auto context = make_context();
  auto& own = dynamic_cast<OmContext&>(*context);
  const auto entered = device_->enter();
  for (size_t i = 0; i < inputs_.size(); ++i) std::memset(own.inputs.host[i].get(), 0, inputs_[i].bytes);
  std::vector<OperatorTime> result = execute_profiled(own);
  // The headers of 2023 speak of microseconds where the documents do of nanoseconds: a thousandfold error must not pass for a measurement.
  const double sum = std::accumulate(result.begin(), result.end(), 0.0, [](double total, const OperatorTime& each) { return total + each.ms; }), whole = elapsed_ms(own.loaded, own.computed);
  if (result.empty() || sum > kMostOff * whole || whole > kMostOff * std::max(sum, kLeastMs)) {
    throw ProfilerError(ErrorCode::device, fmt::format("the profiler tells of {} operators of {} that took {:g} ms together, where all of it took {:g} ms", result.size(), what_, sum, whole));
  }
  return result;
}

double OmExecutable::elapsed_ms(const std::shared_ptr<void>& first, const std::shared_ptr<void>& last) const {
  float ms = 0;
  device_->check(device_->functions().aclrtEventElapsedTime(&ms, first.get(), last.get()), "aclrtEventElapsedTime", "timing " + what_);
  return static_cast<double>(ms);
}

void OmExecutable::describe(std::vector<StepInfo> steps, bool operators) {
  steps_ = std::move(steps);
  times_operators_ = operators;
}

void OmExecutable::run(Context& context, std::span<const Tensor> inputs, std::span<Tensor> outputs, Trace* trace) const {
  auto& own = dynamic_cast<OmContext&>(context);
  ensure(inputs.size() == input_order_.size() && outputs.size() == outputs_.size(), "{} has {} inputs and {} outputs, not {} and {}", what_, input_order_.size(), outputs_.size(), inputs.size(), outputs.size());
  const auto entered = device_->enter();
  for (size_t i = 0; i < inputs.size(); ++i) std::memcpy(own.inputs.host[input_order_[i]].get(), inputs[i].raw(), inputs[i].bytes());
  std::vector<OperatorTime> operators;
  if (trace != nullptr && times_operators_) {
    operators = execute_profiled(own);
  } else {
    const std::shared_lock lock(profiling_);
    execute(own);
  }
  for (size_t i = 0; i < outputs.size(); ++i) std::memcpy(outputs[i].raw(), own.outputs.host[i].get(), outputs[i].bytes());
  if (trace == nullptr) return;
  trace->device_ms = elapsed_ms(own.begin, own.end);
  trace->step_ms.clear();
  if (!times_operators_) {
    trace->step_ms.push_back(elapsed_ms(own.loaded, own.computed));
    return;
  }
  for (const OperatorTime& each : operators) trace->step_ms.push_back(each.ms);
  if (operators.size() != steps_.size()) fail(ErrorCode::device, "the profiler tells of {} operators of {} where it told of {} before: time the rows by themselves with --rows separate", operators.size(), what_, steps_.size());
}

}  // namespace ropeway::ascend
