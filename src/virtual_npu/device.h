// The virtual device: its state, memory, streams and clock. One per process.
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "cann/types.h"
#include "virtual_npu/core.h"
#include "virtual_npu/failures.h"
#include "virtual_npu/handles.h"
#include "virtual_npu/memory.h"
#include "virtual_npu/model.h"
#include "virtual_npu/profiling.h"
#include "virtual_npu/stream.h"

namespace ropeway::virtual_npu {

struct DeviceContext {
  Stream default_stream;
};

// Buffers of one side of a model, as a caller gives them.
struct BufferList {
  std::vector<void*> data;
  std::vector<size_t> bytes;
};

// Every member throws Fault, and locks what it needs: any thread may call.
//
// The clock: what a program asks for begins when the program knew that what it has waited for was done, and when its stream has ended what was queued before. The one
// AI core runs one model after another, in the order in which the program asked for them; copies of other streams go on meanwhile.
class Device {
 public:
  static Device& instance();  // throws while a variable is set wrongly

  void initialise();
  void check_initialised() const;
  void finalise();
  void check_process() const;  // refuses a child that was forked after initialise(): threads and locks of the device are not in it
  const chip::Soc& soc() const { return soc_; }
  Mode mode() const { return mode_; }
  Failures& failures() { return failures_; }
  Profiling& profiling() { return profiling_; }

  void set_device(int32_t id);    // counted: as many resets undo it
  void reset_device(int32_t id);  // the last one frees what is on the device, and brings a lost device back
  int32_t current_device() const;

  const void* create_context(int32_t device);
  void destroy_context(const void* context);
  void set_current_context(const void* context);
  const void* current_context() const;
  void check_context() const { context(); }  // this thread has one

  // A stream of nullptr is the context's default one.
  const void* create_stream();
  void destroy_stream(const void* stream);
  void synchronise(const void* stream, std::optional<double> seconds);
  void synchronise_device();
  const void* create_event();
  void destroy_event(const void* event);
  void record(const void* event, const void* stream);
  void wait(const void* stream, const void* event);
  void synchronise_event(const void* event);
  bool is_done(const void* event);  // also when it was never recorded
  double elapsed_ms(const void* begin, const void* end) const;

  void* allocate(size_t bytes);       // device memory
  void* allocate_host(size_t bytes);  // page-locked host memory
  void free(const void* memory);
  void free_host(const void* memory);
  void copy(void* to, size_t room, const void* from, size_t bytes, cann::aclrtMemcpyKind kind);
  // Between page-locked and device memory it is queued; with other host memory involved it has ended when this returns, as CANN does it.
  void copy_async(void* to, size_t room, const void* from, size_t bytes, cann::aclrtMemcpyKind kind, const void* stream);
  void fill(void* memory, size_t room, int32_t value, size_t bytes);
  void fill_async(void* memory, size_t room, int32_t value, size_t bytes, const void* stream);
  size_t free_bytes() const;
  size_t total_bytes() const { return memory_.total(); }
  void check_device_memory(const void* memory, size_t bytes, const std::string& what) const;

  // `reserves`: its memory comes from the device's, not from the caller.
  uint32_t load(std::string_view bytes, const std::string& what, bool reserves = true);
  uint32_t load_from_memory(std::string_view bytes, bool reserves = true);
  // A model that is only asked about, not loaded.
  std::shared_ptr<Model> read(std::string_view bytes, const std::string& what);
  void unload(uint32_t model);
  std::shared_ptr<const Model> model(uint32_t id) const;
  void execute(uint32_t id, const BufferList& inputs, const BufferList& outputs);
  void execute_async(uint32_t id, const BufferList& inputs, const BufferList& outputs, const void* stream);

 private:
  struct Loaded {
    std::shared_ptr<Model> model;
    uint32_t id = 0;
    size_t reserved = 0;
    std::mutex one_at_a_time;  // held by an aclmdlExecute: those of other threads wait
    std::mutex mutex;          // for what follows
    const void* stream = nullptr;  // of the executions that are queued
    int queued = 0;
  };
  struct Execution;

  Device();
  static Device* make();
  void check_usable() const;  // initialised and not lost
  void check_device(int32_t id) const;
  std::shared_ptr<DeviceContext> context() const;
  std::shared_ptr<Stream> stream(const void* handle) const;
  std::shared_ptr<Event> event(const void* handle) const;
  std::shared_ptr<Loaded> loaded(uint32_t id) const;
  void check_copy(void* to, size_t room, const void* from, size_t bytes, cann::aclrtMemcpyKind kind) const;
  double copy_ms(size_t bytes) const;
  void wait_for(Stream& stream, std::optional<double> seconds);
  void program_knows(double at_ms);
  double program_ms() const;
  std::shared_ptr<Execution> prepare(uint32_t id, const BufferList& inputs, const BufferList& outputs) const;
  static std::shared_ptr<Execution> occupied(std::shared_ptr<Execution> execution, const void* stream);
  double run(Execution& execution, double begin_ms);
  void fail_on_purpose(const Execution& execution);
  void check_reset(const Execution& execution) const;
  void release_everything();

  const chip::Soc& soc_;
  const Mode mode_;
  Failures failures_;
  Profiling profiling_;
  Memory memory_;
  Handles<DeviceContext> contexts_;
  Handles<Stream> streams_;
  Handles<Event> events_;
  std::atomic<bool> initialised_ = false, lost_ = false;
  std::atomic<int> process_ = 0;  // that initialised it

  mutable std::mutex mutex_;  // for what follows
  std::condition_variable reset_happened_;
  int times_set_ = 0, resets_ = 0;
  const void* default_context_ = nullptr;  // what aclrtSetDevice makes current in every thread
  std::map<uint32_t, std::shared_ptr<Loaded>> models_;
  uint32_t next_model_ = 1;
  double program_ms_ = 0;  // the latest of what the program has waited for
  std::shared_ptr<const Backend> cpu_;

  std::mutex order_;  // held from taking a turn, or a recording, to queuing it: or a stream might wait for what stands behind it
  Core core_;
  double core_free_ms_ = 0;  // belongs to whose turn it is
};

}  // namespace ropeway::virtual_npu
