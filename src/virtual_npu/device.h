// The virtual device: its state, memory and clock. One per process.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "cann/types.h"
#include "virtual_npu/model.h"

namespace ropeway::virtual_npu {

// Work of a stream is done when it is submitted; `now_ms` is when the chip would be done with it, by the cost model.
struct Stream {
  double now_ms = 0;
};
struct Event {
  std::optional<double> at_ms;  // nothing before it is recorded
};
struct DeviceContext {
  Stream default_stream;
};

// Handles of one kind, so that a foreign or stale one is told from a good one.
template <class T>
class Handles {
 public:
  T* add(std::unique_ptr<T> object) {
    T* const handle = object.get();
    objects_.emplace(handle, std::move(object));
    return handle;
  }
  T* find(const void* handle) const {
    const auto at = objects_.find(handle);
    return at == objects_.end() ? nullptr : at->second.get();
  }
  bool remove(const void* handle) { return objects_.erase(handle) > 0; }

 private:
  std::map<const void*, std::unique_ptr<T>> objects_;
};

class Device {
 public:
  static Device& instance();

  // Every member below throws Fault. Locks what it needs: any thread may call.
  void initialise();
  void finalise();
  const chip::Soc& soc() const { return soc_; }

  void set_device(int32_t id);
  void reset_device(int32_t id);
  int32_t current_device() const;

  DeviceContext* create_context(int32_t device);
  void destroy_context(const void* context);
  void set_current_context(void* context);
  DeviceContext* current_context() const;

  Stream* create_stream();
  void destroy_stream(const void* stream);
  Event* create_event();
  void destroy_event(const void* event);
  void record(const void* event, const void* stream);
  void synchronise(const void* stream) const;        // nullptr: the context's default stream
  void synchronise_event(const void* event) const;
  void wait(const void* stream, const void* event);  // what follows on the stream starts after the event; one that is not recorded holds nothing up
  double elapsed_ms(const void* begin, const void* end) const;

  void* allocate(size_t bytes);       // device memory
  void* allocate_host(size_t bytes);  // page-locked host memory
  void free(const void* memory);
  void free_host(const void* memory);
  // `stream`: where the copy is queued; without one it takes no time on any stream, as the caller waits for it.
  void copy(void* to, size_t room, const void* from, size_t bytes, cann::aclrtMemcpyKind kind, std::optional<const void*> stream);
  void fill(void* memory, size_t room, int32_t value, size_t bytes);
  size_t free_bytes() const;
  size_t total_bytes() const { return total_bytes_; }

  uint32_t load(std::string_view bytes, const std::string& what);
  void unload(uint32_t model);
  std::shared_ptr<const Model> model(uint32_t id) const;
  void execute(uint32_t id, std::span<void* const> inputs, std::span<const size_t> input_bytes, std::span<void* const> outputs, std::span<const size_t> output_bytes, const void* stream);

 private:
  Device();
  // Callers hold mutex_.
  void check_initialised() const;
  void check_device(int32_t id) const;
  DeviceContext& context() const;
  Stream& stream(const void* handle) const;
  void reserve(size_t bytes, const char* what);
  void check_range(const void* memory, size_t bytes, const char* what) const;
  std::shared_ptr<Model> find_model(uint32_t id) const;

  mutable std::mutex mutex_;
  const chip::Soc& soc_;
  const size_t total_bytes_;
  bool initialised_ = false;
  size_t used_bytes_ = 0;
  Handles<DeviceContext> contexts_;
  DeviceContext* default_context_ = nullptr;  // what aclrtSetDevice makes current in every thread
  Handles<Stream> streams_;
  Handles<Event> events_;
  struct Block {
    std::shared_ptr<std::byte> memory;
    size_t bytes = 0;
  };
  std::map<const std::byte*, Block> blocks_, host_blocks_;  // by address
  std::shared_ptr<const Backend> cpu_;
  std::map<uint32_t, std::shared_ptr<Model>> models_;
  uint32_t next_model_ = 1;
  std::mutex running_;  // held by the model that runs: the chip has one AI core
};

}  // namespace ropeway::virtual_npu
