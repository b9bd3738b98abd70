#include "virtual_npu/device.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "chip/cost_model.h"
#include "virtual_npu/fault.h"

namespace ropeway::virtual_npu {
namespace {

constexpr size_t kMostStreams = 512;
constexpr size_t kMostBytes = size_t{1} << 46;  // more than a program has addresses

struct ThreadState {
  int32_t device = -1;  // -1: this thread has set none
  const void* context = nullptr;
};
thread_local ThreadState current;

// Ends a recording when its stream has passed it, or never will: when the task that holds this is done, or thrown away.
struct Ending {
  std::shared_ptr<Recording> recording;
  std::optional<double> at_ms;
  ~Ending() { recording->done(at_ms); }
};

// Waits until the stream has passed it: when that was. Refuses when the stream has failed before.
double passed(const Recording& recording) {
  recording.wait();
  const auto at_ms = recording.at_ms();
  if (!at_ms) refuse(Rule::stream_failed);
  return *at_ms;
}

}  // namespace

Device& Device::instance() {
  static Device* const device = make();  // never destroyed: a caller's own static objects, and threads of streams, may use it to the end
  return *device;
}

Device* Device::make() {
  try {
    return new Device;
  } catch (const Error& error) {
    refuse(Rule::wrong_setting, error.message());
  }
}

Device::Device() : soc_(chosen_soc()), mode_(chosen_mode()), memory_(device_memory(soc_), mode_) {
  // Read where they are needed; what is wrong with them is to be known from the start.
  chosen_cann();
  overflow_saturates();
}

void Device::initialise() {
  if (initialised_.exchange(true)) refuse(Rule::initialised_twice);
  process_ = getpid();
}

void Device::check_process() const {
  if (process_ != 0 && process_ != getpid()) refuse(Rule::forked);
}

void Device::finalise() {
  if (!initialised_.exchange(false)) refuse(Rule::finalised_twice);
}

void Device::check_initialised() const {
  if (!initialised_) refuse(Rule::not_initialised);
}

void Device::check_usable() const {
  check_initialised();
  if (lost_) refuse(Rule::device_lost);
}

void Device::check_device(int32_t id) const {
  if (id != 0) refuse(Rule::unknown_device, "device {}", id);
}

void Device::set_device(int32_t id) {
  check_usable();
  check_device(id);
  const std::lock_guard lock(mutex_);
  ++times_set_;
  if (contexts_.find(default_context_) == nullptr) default_context_ = contexts_.add(std::make_shared<DeviceContext>());
  current = {id, default_context_};
}

void Device::reset_device(int32_t id) {
  check_initialised();
  check_device(id);
  {
    const std::lock_guard lock(mutex_);
    if (times_set_ == 0) refuse(Rule::reset_without_set);
    current = {};
    if (--times_set_ > 0 && !lost_) return;
    times_set_ = 0;
    default_context_ = nullptr;
    ++resets_;
  }
  reset_happened_.notify_all();  // what hangs, ends
  release_everything();
  lost_ = false;
}

// In an order in which nothing that still runs misses anything: threads of streams end first.
void Device::release_everything() {
  profiling_.forget_all();  // a stream may be waiting for a subscriber that reads no more
  streams_.clear();
  contexts_.clear();
  events_.clear();
  std::map<uint32_t, std::shared_ptr<Loaded>> models;
  {
    const std::lock_guard lock(mutex_);
    models.swap(models_);
  }
  for (const auto& [id, each] : models) memory_.release(each->reserved);
  memory_.free_all();
}

int32_t Device::current_device() const {
  check_initialised();
  if (current.device < 0) refuse(Rule::device_not_set);
  return current.device;
}

const void* Device::create_context(int32_t device) {
  check_usable();
  check_device(device);
  const void* const made = contexts_.add(std::make_shared<DeviceContext>());
  current = {device, made};
  return made;
}

void Device::destroy_context(const void* context) {
  check_usable();
  if (contexts_.remove(context) == nullptr) refuse(Rule::foreign_context, "aclrtDestroyContext");
  if (current.context == context) current.context = nullptr;
}

void Device::set_current_context(const void* context) {
  check_usable();
  if (contexts_.find(context) == nullptr) refuse(Rule::foreign_context, "aclrtSetCurrentContext");
  current = {0, context};
}

const void* Device::current_context() const {
  context();
  return current.context;
}

std::shared_ptr<DeviceContext> Device::context() const {
  check_usable();
  std::shared_ptr<DeviceContext> found = contexts_.find(current.context);
  if (found == nullptr) refuse(Rule::no_context);
  return found;
}

std::shared_ptr<Stream> Device::stream(const void* handle) const {
  const std::shared_ptr<DeviceContext> own = context();
  if (handle == nullptr) return {own, &own->default_stream};
  std::shared_ptr<Stream> found = streams_.find(handle);
  if (found == nullptr) refuse(Rule::foreign_stream);
  return found;
}

std::shared_ptr<Event> Device::event(const void* handle) const {
  context();
  std::shared_ptr<Event> found = events_.find(handle);
  if (found == nullptr) refuse(Rule::foreign_event);
  return found;
}

const void* Device::create_stream() {
  context();
  if (streams_.size() >= kMostStreams) refuse(Rule::too_many_streams);
  return streams_.add(std::make_shared<Stream>());
}

void Device::destroy_stream(const void* stream) {
  context();
  if (streams_.remove(stream) == nullptr) refuse(Rule::foreign_stream, "aclrtDestroyStream");
}

const void* Device::create_event() {
  context();
  return events_.add(std::make_shared<Event>());
}

void Device::destroy_event(const void* event) {
  context();
  if (events_.remove(event) == nullptr) refuse(Rule::foreign_event, "aclrtDestroyEvent");
}

void Device::program_knows(double at_ms) {
  const std::lock_guard lock(mutex_);
  program_ms_ = std::max(program_ms_, at_ms);
}

double Device::program_ms() const {
  const std::lock_guard lock(mutex_);
  return program_ms_;
}

void Device::wait_for(Stream& stream, std::optional<double> seconds) {
  const auto at_ms = stream.wait(seconds);
  if (!at_ms) refuse(Rule::stream_timeout, "{:g} s", seconds.value_or(0));
  program_knows(*at_ms);
}

void Device::synchronise(const void* handle, std::optional<double> seconds) { wait_for(*stream(handle), seconds); }

void Device::synchronise_device() {
  const std::shared_ptr<DeviceContext> own = context();
  wait_for(own->default_stream, std::nullopt);
  for (const std::shared_ptr<Stream>& each : streams_.all()) wait_for(*each, std::nullopt);
}

void Device::record(const void* handle, const void* stream_handle) {
  const std::shared_ptr<Event> recorded = event(handle);
  const std::shared_ptr<Stream> on = stream(stream_handle);
  const std::lock_guard lock(order_);
  on->submit(program_ms(), [ending = std::make_shared<Ending>(recorded->record(), std::nullopt)](double begin_ms) {
    ending->at_ms = begin_ms;
    return begin_ms;
  });
}

void Device::wait(const void* stream_handle, const void* handle) {
  const std::shared_ptr<Stream> on = stream(stream_handle);
  const std::shared_ptr<const Recording> recording = event(handle)->latest();
  if (recording == nullptr) return;  // as in CUDA: what was never recorded holds nothing up (assumed)
  on->submit(program_ms(), [waited = recording](double begin_ms) { return std::max(begin_ms, passed(*waited)); });
}

void Device::synchronise_event(const void* handle) {
  const std::shared_ptr<const Recording> waited = event(handle)->latest();
  if (waited == nullptr) return;
  program_knows(passed(*waited));
}

bool Device::is_done(const void* handle) {
  const std::shared_ptr<const Recording> asked = event(handle)->latest();
  if (asked == nullptr) return true;
  if (!asked->is_done()) return false;
  program_knows(passed(*asked));
  return true;
}

double Device::elapsed_ms(const void* begin, const void* end) const {
  const auto time = [&](const void* handle) {
    const std::shared_ptr<const Recording> recording = event(handle)->latest();
    return recording == nullptr ? std::nullopt : recording->at_ms();
  };
  const auto first = time(begin), last = time(end);
  if (!first || !last) refuse(Rule::event_without_time);
  if (*last < *first) refuse(Rule::events_reversed);
  return *last - *first;
}

void* Device::allocate(size_t bytes) {
  context();
  return memory_.allocate(bytes);
}

void* Device::allocate_host(size_t bytes) {
  context();
  return memory_.allocate_host(bytes);
}

void Device::free(const void* memory) {
  context();
  memory_.free(memory);
}

void Device::free_host(const void* memory) {
  context();
  memory_.free_host(memory);
}

void Device::check_device_memory(const void* memory, size_t bytes, const std::string& what) const {
  if (memory_.find(memory, bytes) == nullptr) refuse(Rule::not_device_memory, "{}, {} bytes", what, bytes);
}

void Device::check_copy(void* to, size_t room, const void* from, size_t bytes, cann::aclrtMemcpyKind kind) const {
  if (bytes > room) refuse(Rule::no_room, "a copy of {} bytes into room for {}", bytes, room);
  if (to == nullptr || from == nullptr) refuse(Rule::null_pointer, "a copy from or to nowhere");
  if (bytes > kMostBytes) refuse(Rule::invalid_value, "a copy of {} bytes", bytes);
  if (kind < cann::ACL_MEMCPY_HOST_TO_HOST || kind > cann::ACL_MEMCPY_DEVICE_TO_DEVICE) refuse(Rule::invalid_value, "there is no copy of kind {}", static_cast<int>(kind));
  if (mode_ == Mode::board) return;  // CANN's documents: on the board itself every copy is done as one within the device
  if (kind == cann::ACL_MEMCPY_HOST_TO_DEVICE || kind == cann::ACL_MEMCPY_DEVICE_TO_DEVICE) check_device_memory(to, bytes, "the destination of a copy to the device");
  if (kind == cann::ACL_MEMCPY_DEVICE_TO_HOST || kind == cann::ACL_MEMCPY_DEVICE_TO_DEVICE) check_device_memory(from, bytes, "the source of a copy from the device");
}

double Device::copy_ms(size_t bytes) const {
  return mode_ == Mode::card ? chip::copy_ms(static_cast<double>(bytes), soc_) : chip::memory_copy_ms(static_cast<double>(bytes), soc_);
}

void Device::copy(void* to, size_t room, const void* from, size_t bytes, cann::aclrtMemcpyKind kind) {
  context();
  check_copy(to, room, from, bytes, kind);
  std::memmove(to, from, bytes);
  program_knows(program_ms() + copy_ms(bytes));
}

void Device::copy_async(void* to, size_t room, const void* from, size_t bytes, cann::aclrtMemcpyKind kind, const void* handle) {
  const std::shared_ptr<Stream> on = stream(handle);
  check_copy(to, room, from, bytes, kind);
  const auto keeper = [&](const void* memory) {
    auto device = memory_.find(memory, bytes);
    return device == nullptr ? memory_.find_host(memory, bytes) : device;
  };
  const auto to_keeper = keeper(to), from_keeper = keeper(from);
  on->submit(program_ms(), [=, ms = copy_ms(bytes)](double begin_ms) {
    (void)to_keeper, (void)from_keeper;
    std::memmove(to, from, bytes);
    return begin_ms + ms;
  });
  if (to_keeper == nullptr || from_keeper == nullptr) wait_for(*on, std::nullopt);
}

void Device::fill(void* memory, size_t room, int32_t value, size_t bytes) {
  context();
  if (bytes > room) refuse(Rule::no_room, "aclrtMemset of {} bytes in room for {}", bytes, room);
  check_device_memory(memory, bytes, "aclrtMemset");
  std::memset(memory, value, bytes);
  program_knows(program_ms() + chip::memory_copy_ms(static_cast<double>(bytes), soc_));
}

void Device::fill_async(void* memory, size_t room, int32_t value, size_t bytes, const void* handle) {
  const std::shared_ptr<Stream> on = stream(handle);
  if (bytes > room) refuse(Rule::no_room, "aclrtMemsetAsync of {} bytes in room for {}", bytes, room);
  check_device_memory(memory, bytes, "aclrtMemsetAsync");
  on->submit(program_ms(), [=, keeper = memory_.find(memory, bytes), ms = chip::memory_copy_ms(static_cast<double>(bytes), soc_)](double begin_ms) {
    std::memset(memory, value, bytes);
    return begin_ms + ms;
  });
}

size_t Device::free_bytes() const {
  context();
  return memory_.free_bytes();
}

}  // namespace ropeway::virtual_npu
