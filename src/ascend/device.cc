#include "ascend/device.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>

#include "base/text.h"
#include "cann/errors.h"

namespace ropeway::ascend {

using cann::aclError;

namespace {

// CANN's documents: in a child that was forked from a process that uses it, calls fail or hang.
[[noreturn]] void fail_forked() {
  fail(ErrorCode::device, "this process is a fork of one that has opened the NPU, and CANN does not work in such a child: start the child anew (exec; in Python multiprocessing's \"spawn\"), or fork before the first model is loaded");
}

}  // namespace

std::shared_ptr<const Device> Device::open(const cann::Installation& installation) {
  static std::atomic<int> user = 0;  // the process that has called CANN; 0: none has
  // Before the lock: another thread may have held it when the fork was made.
  if (user != 0 && user != getpid()) fail_forked();
  static std::mutex mutex;
  static auto* const open_devices = new std::map<std::filesystem::path, std::shared_ptr<const Device>>;  // never destroyed: CANN's own objects may go before ours at exit
  const std::lock_guard lock(mutex);
  std::shared_ptr<const Device>& device = (*open_devices)[installation.library];
  if (device && device->is_given_up()) {
    if (device->functions().aclrtResetDevice != nullptr) device->check(device->functions().aclrtResetDevice(0), "aclrtResetDevice", "bringing back a device that was given up (only a new process may help)");
    device = nullptr;
  }
  if (!device) {
    std::shared_ptr<Device> opened(new Device(installation, cann::Library::load(installation.library)));
    user = getpid();
    opened->initialise();
    device = std::move(opened);
  }
  return device;
}

Device::Device(const cann::Installation& installation, std::shared_ptr<const cann::Library> library) : installation_(installation), library_(std::move(library)), process_(getpid()) {}

bool Device::is_forked() const { return getpid() != process_; }

void Device::initialise() {
  const cann::Functions& f = functions();
  const std::string doing = fmt::format("opening device 0 of CANN {}", to_string(installation_));
  // Another library of this process (torch_npu, OpenCV) may have initialised it.
  if (const aclError code = f.aclInit(nullptr); code != cann::ACL_ERROR_REPEAT_INITIALIZE) check(code, "aclInit", doing);
  uint32_t count = 0;
  check(f.aclrtGetDeviceCount(&count), "aclrtGetDeviceCount", doing);
  if (count == 0) ropeway::fail(ErrorCode::device, "CANN {} is there, but it finds no NPU: see whether npu-smi info lists one", to_string(installation_));
  check(f.aclrtSetDevice(0), "aclrtSetDevice", doing);
  try {
    make_context(doing);
  } catch (const Error&) {
    // Setting is counted: what is not undone would keep a later reset from resetting.
    if (!is_given_up() && f.aclrtResetDevice != nullptr) f.aclrtResetDevice(0);
    throw;
  }
}

void Device::make_context(const std::string& doing) {
  const cann::Functions& f = functions();
  check(f.aclrtCreateContext(&context_, 0), "aclrtCreateContext", doing);
  const char* soc = f.aclrtGetSocName();
  check_value(soc != nullptr && *soc != '\0', "aclrtGetSocName", doing);
  soc_ = soc;
  size_t free = 0;
  check(f.aclrtGetMemInfo(cann::ACL_DDR_MEM, &free, &memory_bytes_), "aclrtGetMemInfo", doing);
}

std::string Device::title() const { return (installation_.is_virtual ? "virtual " : "") + soc_; }

Entered::Entered(const Device& device, cann::aclrtContext context) : device_(device) {
  if (device.functions().aclrtGetCurrentContext(&before_) != cann::ACL_SUCCESS) before_ = nullptr;  // the thread had none
  code_ = device.functions().aclrtSetCurrentContext(context);
}

Entered::~Entered() {
  if (before_ != nullptr && !device_.is_given_up()) device_.functions().aclrtSetCurrentContext(before_);
}

size_t Device::free_bytes() const {
  size_t free = 0, total = 0;
  return functions().aclrtGetMemInfo(cann::ACL_DDR_MEM, &free, &total) == cann::ACL_SUCCESS ? free : 0;
}

std::unique_ptr<Entered> Device::enter() const {
  if (is_forked()) fail_forked();
  if (given_up_) ropeway::fail(ErrorCode::device, "{} was given up because it did not answer: load the model again, which resets it", title());
  auto entered = std::make_unique<Entered>(*this, context_);
  check(entered->code(), "aclrtSetCurrentContext", "entering the device's context");
  return entered;
}

void Device::check(aclError code, const char* call, const std::string& doing) const {
  if (code != cann::ACL_SUCCESS) fail_with(ErrorCode::device, code, call, doing);
}

void Device::synchronise(cann::aclrtStream stream, double seconds, const std::string& doing) const {
  const cann::Functions& f = functions();
  if (f.aclrtSynchronizeStreamWithTimeout == nullptr) return check(f.aclrtSynchronizeStream(stream), "aclrtSynchronizeStream", doing);
  const double ms = std::min(std::ceil(1e3 * seconds), 2e9);
  const aclError code = f.aclrtSynchronizeStreamWithTimeout(stream, static_cast<int32_t>(ms));
  if (code == cann::ACL_ERROR_RT_STREAM_SYNC_TIMEOUT) {
    given_up_ = true;
    ropeway::fail(ErrorCode::device, "{} did not answer for {:g} s while {}: it hangs, or the model takes longer than that (--run-timeout allows more). The driver's log may say why", title(), seconds, doing);
  }
  check(code, "aclrtSynchronizeStreamWithTimeout", doing);
}

std::string Device::recent_text() const {
  const char* const recent = functions().aclGetRecentErrMsg == nullptr ? nullptr : functions().aclGetRecentErrMsg();
  return recent == nullptr ? "" : recent;
}

void Device::check_value(bool ok, const char* call, const std::string& doing) const {
  if (ok) return;
  const std::string recent = recent_text();
  ropeway::fail(ErrorCode::device, "{} gives nothing while {}{}{}", call, doing, recent.empty() ? "" : ": ", recent);
}

void Device::fail_with(ErrorCode kind, aclError code, const char* call, const std::string& doing) const {
  std::string text = fmt::format("{} failed with {} while {}", call, cann::describe(code), doing);
  if (const std::string recent = recent_text(); !recent.empty()) text += ": " + recent;
  if (code == cann::ACL_ERROR_RT_LOST_HEARTBEAT) given_up_ = true;
  if (const std::string remedy = cann::remedy(code); !remedy.empty()) text += fmt::format(". What may help: {}", remedy);
  throw Error(kind, text);
}

template <class Free>
std::shared_ptr<void> Device::owned(void* handle, Free free) const {
  return std::shared_ptr<void>(handle, [device = shared_from_this(), free](void* each) {
    if (device->is_given_up()) return;
    const Entered entered(*device, device->context_);
    free(device->functions(), each);
  });
}

std::shared_ptr<void> Device::make_stream() const {
  cann::aclrtStream stream = nullptr;
  check(functions().aclrtCreateStream(&stream), "aclrtCreateStream", "making a stream");
  return owned(stream, [](const cann::Functions& f, void* each) { f.aclrtDestroyStream(each); });
}

std::shared_ptr<void> Device::make_event() const {
  cann::aclrtEvent event = nullptr;
  check(functions().aclrtCreateEvent(&event), "aclrtCreateEvent", "making an event");
  return owned(event, [](const cann::Functions& f, void* each) { f.aclrtDestroyEvent(each); });
}

std::shared_ptr<void> Device::allocate(size_t bytes, const std::string& what) const {
  void* memory = nullptr;
  bytes = std::max<size_t>(bytes, 1);
  check(functions().aclrtMalloc(&memory, bytes, cann::ACL_MEM_MALLOC_HUGE_FIRST), "aclrtMalloc", fmt::format("allocating {} on {} for {}", readable_bytes(static_cast<double>(bytes)), title(), what));
  return owned(memory, [](const cann::Functions& f, void* each) { f.aclrtFree(each); });
}

std::shared_ptr<void> Device::allocate_host(size_t bytes, const std::string& what) const {
  void* memory = nullptr;
  bytes = std::max<size_t>(bytes, 1);
  check(functions().aclrtMallocHost(&memory, bytes), "aclrtMallocHost", fmt::format("allocating {} of host memory for {}", readable_bytes(static_cast<double>(bytes)), what));
  return owned(memory, [](const cann::Functions& f, void* each) { f.aclrtFreeHost(each); });
}

}  // namespace ropeway::ascend
