#include "virtual_npu/device.h"

#include <algorithm>
#include <cstring>

#include "base/buffer.h"
#include "chip/cost_model.h"
#include "cpu/backend.h"
#include "virtual_npu/fault.h"
#include "virtual_npu/settings.h"

// Which code CANN gives for a misuse is taken from its documentation; where that is silent, the line says assumed.
namespace ropeway::virtual_npu {
namespace {
struct ThreadState {
  int32_t device = -1;  // -1: this thread has set none
  DeviceContext* context = nullptr;
};
thread_local ThreadState current;

}  // namespace

Device& Device::instance() {
  static Device* const device = new Device;  // never destroyed: a caller's own static objects may use it to the end
  return *device;
}

Device::Device() : soc_(chosen_soc()), total_bytes_(device_memory(soc_)) {}

void Device::initialise() {
  const std::lock_guard lock(mutex_);
  if (initialised_) refuse(cann::ACL_ERROR_REPEAT_INITIALIZE, "aclInit was called before in this process");
  initialised_ = true;
}

void Device::finalise() {
  const std::lock_guard lock(mutex_);
  if (!initialised_) refuse(cann::ACL_ERROR_REPEAT_FINALIZE, "aclFinalize without aclInit before it");  // assumed
  initialised_ = false;
}

void Device::check_initialised() const {
  if (!initialised_) refuse(cann::ACL_ERROR_UNINITIALIZE, "aclInit has not been called");
}

void Device::check_device(int32_t id) const {
  check_initialised();
  if (id != 0) refuse(cann::ACL_ERROR_RT_INVALID_DEVICEID, "there is no device {}: the virtual installation has one, device 0", id);
}

void Device::set_device(int32_t id) {
  const std::lock_guard lock(mutex_);
  check_device(id);
  current.device = id;
  if (default_context_ == nullptr) default_context_ = contexts_.add(std::make_unique<DeviceContext>());
  current.context = default_context_;
}

void Device::reset_device(int32_t id) {
  const std::lock_guard lock(mutex_);
  check_device(id);
  current = {};
}

int32_t Device::current_device() const {
  if (current.device < 0) refuse(cann::ACL_ERROR_RT_CONTEXT_NULL, "this thread has set no device");
  return current.device;
}

DeviceContext* Device::create_context(int32_t device) {
  const std::lock_guard lock(mutex_);
  check_device(device);
  DeviceContext* const made = contexts_.add(std::make_unique<DeviceContext>());
  current = {device, made};
  return made;
}

void Device::destroy_context(const void* context) {
  const std::lock_guard lock(mutex_);
  if (!contexts_.remove(context)) refuse(cann::ACL_ERROR_RT_CONTEXT_NULL, "aclrtDestroyContext of what is no context");  // assumed
  if (current.context == context) current.context = nullptr;
  if (default_context_ == context) default_context_ = nullptr;
}

void Device::set_current_context(void* context) {
  const std::lock_guard lock(mutex_);
  DeviceContext* const found = contexts_.find(context);
  if (found == nullptr) refuse(cann::ACL_ERROR_RT_CONTEXT_NULL, "aclrtSetCurrentContext with what is no context");  // assumed
  current = {0, found};
}

DeviceContext* Device::current_context() const {
  const std::lock_guard lock(mutex_);
  return &context();
}

DeviceContext& Device::context() const {
  check_initialised();
  DeviceContext* const found = contexts_.find(current.context);
  if (found == nullptr) refuse(cann::ACL_ERROR_RT_CONTEXT_NULL, "this thread has no context: call aclrtSetDevice or aclrtSetCurrentContext in it");
  return *found;
}

Stream& Device::stream(const void* handle) const {
  DeviceContext& own = context();
  if (handle == nullptr) return own.default_stream;
  Stream* const found = streams_.find(handle);
  if (found == nullptr) refuse(cann::ACL_ERROR_RT_STREAM_CONTEXT, "what is given as a stream is none");  // assumed
  return *found;
}

Stream* Device::create_stream() {
  const std::lock_guard lock(mutex_);
  context();
  return streams_.add(std::make_unique<Stream>());
}

void Device::destroy_stream(const void* stream) {
  const std::lock_guard lock(mutex_);
  context();
  if (!streams_.remove(stream)) refuse(cann::ACL_ERROR_RT_STREAM_CONTEXT, "aclrtDestroyStream of what is no stream");  // assumed
}

Event* Device::create_event() {
  const std::lock_guard lock(mutex_);
  context();
  return events_.add(std::make_unique<Event>());
}

void Device::destroy_event(const void* event) {
  const std::lock_guard lock(mutex_);
  context();
  if (!events_.remove(event)) refuse(cann::ACL_ERROR_RT_PARAM_INVALID, "aclrtDestroyEvent of what is no event");  // assumed
}

void Device::record(const void* event, const void* handle) {
  const std::lock_guard lock(mutex_);
  context();
  Event* const found = events_.find(event);
  if (found == nullptr) refuse(cann::ACL_ERROR_RT_PARAM_INVALID, "aclrtRecordEvent with what is no event");  // assumed
  found->at_ms = stream(handle).now_ms;
}

void Device::synchronise(const void* handle) const {
  const std::lock_guard lock(mutex_);
  stream(handle);
}

void Device::synchronise_event(const void* event) const {
  const std::lock_guard lock(mutex_);
  context();
  if (events_.find(event) == nullptr) refuse(cann::ACL_ERROR_RT_PARAM_INVALID, "aclrtSynchronizeEvent with what is no event");  // assumed
}

void Device::wait(const void* handle, const void* event) {
  const std::lock_guard lock(mutex_);
  Stream& waiting = stream(handle);
  const Event* const found = events_.find(event);
  if (found == nullptr) refuse(cann::ACL_ERROR_RT_PARAM_INVALID, "aclrtStreamWaitEvent with what is no event");  // assumed
  if (found->at_ms) waiting.now_ms = std::max(waiting.now_ms, *found->at_ms);
}

double Device::elapsed_ms(const void* begin, const void* end) const {
  const std::lock_guard lock(mutex_);
  context();
  const Event* const first = events_.find(begin);
  const Event* const last = events_.find(end);
  if (first == nullptr || last == nullptr) refuse(cann::ACL_ERROR_RT_PARAM_INVALID, "aclrtEventElapsedTime with what is no event");  // assumed
  if (!first->at_ms || !last->at_ms) refuse(cann::ACL_ERROR_RT_EVENT_TIMESTAMP_INVALID, "an event of aclrtEventElapsedTime has not been recorded");
  if (*last->at_ms < *first->at_ms) refuse(cann::ACL_ERROR_RT_EVENT_TIMESTAMP_REVERSAL, "the second event of aclrtEventElapsedTime was recorded before the first");
  return *last->at_ms - *first->at_ms;
}

void Device::reserve(size_t bytes, const char* what) {
  if (bytes > total_bytes_ - used_bytes_) {
    refuse(cann::ACL_ERROR_RT_MEMORY_ALLOCATION, "{} needs {}, but of the {} of device memory {} are free", what, readable_bytes(static_cast<double>(bytes)), readable_bytes(static_cast<double>(total_bytes_)),
           readable_bytes(static_cast<double>(total_bytes_ - used_bytes_)));
  }
  used_bytes_ += bytes;
}

void* Device::allocate(size_t bytes) {
  const std::lock_guard lock(mutex_);
  context();
  if (bytes == 0) refuse(cann::ACL_ERROR_INVALID_PARAM, "aclrtMalloc of 0 bytes");
  reserve(bytes, "aclrtMalloc");
  Block block;
  try {
    block = {allocate_buffer(bytes), bytes};
  } catch (const Error& error) {
    used_bytes_ -= bytes;
    refuse(cann::ACL_ERROR_RT_MEMORY_ALLOCATION, "the memory behind the virtual device is exhausted: {}", error.message());
  }
  std::byte* const address = block.memory.get();
  blocks_[address] = std::move(block);
  return address;
}

void* Device::allocate_host(size_t bytes) {
  const std::lock_guard lock(mutex_);
  context();
  if (bytes == 0) refuse(cann::ACL_ERROR_INVALID_PARAM, "aclrtMallocHost of 0 bytes");
  Block block{allocate_buffer(bytes), bytes};
  std::byte* const address = block.memory.get();
  host_blocks_[address] = std::move(block);
  return address;
}

void Device::free(const void* memory) {
  const std::lock_guard lock(mutex_);
  context();
  const auto at = blocks_.find(static_cast<const std::byte*>(memory));
  if (at == blocks_.end()) refuse(cann::ACL_ERROR_RT_PARAM_INVALID, "aclrtFree of what aclrtMalloc has not given, or of what is free already");  // assumed
  used_bytes_ -= at->second.bytes;
  blocks_.erase(at);
}

void Device::free_host(const void* memory) {
  const std::lock_guard lock(mutex_);
  context();
  if (host_blocks_.erase(static_cast<const std::byte*>(memory)) == 0) refuse(cann::ACL_ERROR_RT_PARAM_INVALID, "aclrtFreeHost of what aclrtMallocHost has not given, or of what is free already");  // assumed
}

void Device::check_range(const void* memory, size_t bytes, const char* what) const {
  const auto* const address = static_cast<const std::byte*>(memory);
  auto at = blocks_.upper_bound(address);
  const bool inside = at != blocks_.begin() && (--at, static_cast<size_t>(address - at->first) <= at->second.bytes && bytes <= at->second.bytes - static_cast<size_t>(address - at->first));
  if (!inside) refuse(cann::ACL_ERROR_RT_PARAM_INVALID, "{}: {} bytes there are not all in device memory", what, bytes);  // assumed
}

void Device::copy(void* to, size_t room, const void* from, size_t bytes, cann::aclrtMemcpyKind kind, std::optional<const void*> handle) {
  const std::lock_guard lock(mutex_);
  context();
  if (bytes > room) refuse(cann::ACL_ERROR_INVALID_PARAM, "a copy of {} bytes into room for {}", bytes, room);
  if (to == nullptr || from == nullptr) refuse(cann::ACL_ERROR_INVALID_PARAM, "a copy from or to a null pointer");
  if (kind < cann::ACL_MEMCPY_HOST_TO_HOST || kind > cann::ACL_MEMCPY_DEVICE_TO_DEVICE) refuse(cann::ACL_ERROR_INVALID_PARAM, "there is no copy of kind {}", static_cast<int>(kind));
  if (kind == cann::ACL_MEMCPY_HOST_TO_DEVICE || kind == cann::ACL_MEMCPY_DEVICE_TO_DEVICE) check_range(to, bytes, "the destination of a copy to the device");
  if (kind == cann::ACL_MEMCPY_DEVICE_TO_HOST || kind == cann::ACL_MEMCPY_DEVICE_TO_DEVICE) check_range(from, bytes, "the source of a copy from the device");
  std::memcpy(to, from, bytes);
  if (handle) stream(*handle).now_ms += chip::copy_ms(static_cast<double>(bytes), soc_);
}

void Device::fill(void* memory, size_t room, int32_t value, size_t bytes) {
  const std::lock_guard lock(mutex_);
  context();
  if (bytes > room) refuse(cann::ACL_ERROR_INVALID_PARAM, "aclrtMemset of {} bytes in room for {}", bytes, room);
  check_range(memory, bytes, "aclrtMemset");
  std::memset(memory, value, bytes);
}

size_t Device::free_bytes() const {
  const std::lock_guard lock(mutex_);
  context();
  return total_bytes_ - used_bytes_;
}

uint32_t Device::load(std::string_view bytes, const std::string& what) {
  {
    const std::lock_guard lock(mutex_);
    context();
    if (!cpu_) cpu_ = make_cpu_backend(0);
  }
  std::shared_ptr<Model> model = Model::load(bytes, what, soc_, *cpu_);
  const std::lock_guard lock(mutex_);
  reserve(model->weight_bytes(), what.c_str());
  models_[next_model_] = std::move(model);
  return next_model_++;
}

std::shared_ptr<Model> Device::find_model(uint32_t id) const {
  const auto at = models_.find(id);
  if (at == models_.end()) refuse(cann::ACL_ERROR_GE_EXEC_MODEL_ID_INVALID, "there is no model {}", id);
  return at->second;
}

void Device::unload(uint32_t id) {
  const std::lock_guard lock(mutex_);
  context();
  used_bytes_ -= find_model(id)->weight_bytes();
  models_.erase(id);
}

std::shared_ptr<const Model> Device::model(uint32_t id) const {
  const std::lock_guard lock(mutex_);
  context();
  return find_model(id);
}

void Device::execute(uint32_t id, std::span<void* const> inputs, std::span<const size_t> input_bytes, std::span<void* const> outputs, std::span<const size_t> output_bytes, const void* handle) {
  const auto check = [&](const char* what, const std::vector<Port>& ports, std::span<void* const> buffers, std::span<const size_t> bytes) {
    if (buffers.size() != ports.size()) refuse(cann::ACL_ERROR_INVALID_PARAM, "{} {}s are given, but the model has {}", buffers.size(), what, ports.size());
    for (size_t i = 0; i < ports.size(); ++i) {
      if (bytes[i] < ports[i].bytes()) refuse(cann::ACL_ERROR_GE_EXEC_MODEL_DATA_SIZE_INVALID, "{} {} takes {} bytes, but its buffer has {}", what, ports[i].name, ports[i].bytes(), bytes[i]);  // assumed
      check_range(buffers[i], ports[i].bytes(), what);
    }
  };
  std::shared_ptr<Model> model;
  {
    const std::lock_guard lock(mutex_);
    context();
    model = find_model(id);
    check("input", model->inputs(), inputs, input_bytes);
    check("output", model->outputs(), outputs, output_bytes);
    stream(handle);
  }
  {
    const std::lock_guard core(running_);
    model->run(inputs, outputs);
  }
  const std::lock_guard lock(mutex_);
  stream(handle).now_ms += model->predicted_ms();
}

}  // namespace ropeway::virtual_npu
