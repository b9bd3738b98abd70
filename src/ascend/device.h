// An NPU through CANN's C interface, real or virtual: opened once per process, and everything that is made on it frees itself.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "cann/installation.h"
#include "cann/library.h"
#include "ropeway/error.h"

namespace ropeway::ascend {

// A context of CANN's as the calling thread's, until this goes: then the one before is it again, for others (torch_npu, OpenCV) may share the thread.
class Entered {
 public:
  Entered(const class Device& device, cann::aclrtContext context);
  ~Entered();
  Entered(const Entered&) = delete;
  Entered& operator=(const Entered&) = delete;
  cann::aclError code() const { return code_; }  // of entering

 private:
  const Device& device_;
  cann::aclrtContext before_ = nullptr;
  cann::aclError code_;
};

// What can block, and for how long. A run, from the first copy to the last, ends after the seconds that synchronise() is given, where CANN has
// aclrtSynchronizeStreamWithTimeout; without it, never. atc ends after its own limit. No other call has one: CANN offers none, and a call that does not return cannot be taken
// back. So a driver that hangs can block opening and resetting (aclInit, aclrtSetDevice, aclrtResetDevice), loading and unloading (aclmdlLoadFromFile, aclmdlUnload), making,
// entering and freeing what a run needs, handing work over (aclmdlExecuteAsync, aclrtMemcpyAsync), and profiling: the end of a subscription waits until CANN has closed its own
// copies of the pipe, if it makes any. What hangs there hangs until the process is ended; nothing of ours waits for the device when it exits.
class Device : public std::enable_shared_from_this<Device> {
 public:
  // Device 0 of an installation. The first call of a process initialises CANN; later ones return the same device, unless it was given up. Initialising is not undone
  // before the process ends: CANN cannot be initialised a second time. Throws Error{device}, also in a child that was forked after the first call.
  static std::shared_ptr<const Device> open(const cann::Installation& installation);

  const cann::Installation& installation() const { return installation_; }
  const cann::Functions& functions() const { return library_->functions(); }
  const std::string& soc() const { return soc_; }  // "Ascend310B1"
  std::string title() const;                       // "virtual Ascend310B1", "Ascend310B1"
  size_t memory_bytes() const { return memory_bytes_; }
  size_t free_bytes() const;  // 0 when the device does not say

  // Makes this device's context the calling thread's while the result lives, as every use of what follows needs. Throws Error{device}.
  [[nodiscard]] std::unique_ptr<Entered> enter() const;

  // Waits until a stream is done. Throws Error{device}, also when that takes longer than `seconds`: then the device hangs, and is given up.
  void synchronise(cann::aclrtStream stream, double seconds, const std::string& doing) const;
  // Whether the device was given up, by a time-out or because it said that it is lost. Nothing that belongs to it is touched any more, not even to free it: a call could
  // hang. The next open() resets the device and begins anew. In a forked child it is given up for good.
  bool is_given_up() const { return given_up_ || is_forked(); }

  // Throws Error{device} unless `code` is success: what was done, the call, the code's name, CANN's own text and what usually helps.
  void check(cann::aclError code, const char* call, const std::string& doing) const;
  // CANN's own text on the last failure of this thread, which then is gone; "" for none.
  std::string recent_text() const;
  // The same for a call that gives a value: `ok` says whether it did.
  void check_value(bool ok, const char* call, const std::string& doing) const;
  [[noreturn]] void fail_with(ErrorCode kind, cann::aclError code, const char* call, const std::string& doing) const;

  // Each keeps the device until it is freed. `what` is for the message when there is no memory. Throw Error{device}.
  std::shared_ptr<void> make_stream() const;
  std::shared_ptr<void> make_event() const;
  std::shared_ptr<void> allocate(size_t bytes, const std::string& what) const;       // on the device
  std::shared_ptr<void> allocate_host(size_t bytes, const std::string& what) const;  // page-locked

 private:
  Device(const cann::Installation& installation, std::shared_ptr<const cann::Library> library);
  void initialise();
  void make_context(const std::string& doing);
  bool is_forked() const;
  template <class Free>
  std::shared_ptr<void> owned(void* handle, Free free) const;

  cann::Installation installation_;
  std::shared_ptr<const cann::Library> library_;
  std::string soc_;
  cann::aclrtContext context_ = nullptr;
  size_t memory_bytes_ = 0;
  const int process_;  // that opened it
  mutable std::atomic<bool> given_up_ = false;
};

}  // namespace ropeway::ascend
