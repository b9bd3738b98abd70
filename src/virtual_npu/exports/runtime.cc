// aclrt*: device, contexts, streams, events, memory.
#include "virtual_npu/exports/exported.h"

namespace ropeway::cann {

using virtual_npu::Device;
using virtual_npu::refuse;
using virtual_npu::Rule;

namespace {

// CANN's handles are plain pointers: callers cannot look behind them.
void* handle(const void* made) { return const_cast<void*>(made); }

}  // namespace

extern "C" aclError aclrtGetVersion(int32_t* majorVersion, int32_t* minorVersion, int32_t* patchVersion) {
  return guarded(__func__, [&](Device&) {
    for (int32_t* each : {majorVersion, minorVersion, patchVersion}) require(each, "a version number");
    *majorVersion = 1;  // of the run-time interface, as CANN counts it; not of CANN
    *minorVersion = 0;
    *patchVersion = 0;
  });
}
extern "C" const char* aclrtGetSocName() {
  return guarded_value<const char*>(__func__, nullptr, [](Device& device) { return device.soc().name; });
}
extern "C" aclError aclrtGetDeviceCount(uint32_t* count) {
  return written(__func__, count, "count", [&](Device&) { return 1; });
}
extern "C" aclError aclrtSetDevice(int32_t deviceId) {
  return guarded(__func__, [&](Device& device) { device.set_device(deviceId); });
}
extern "C" aclError aclrtResetDevice(int32_t deviceId) {
  return guarded(__func__, [&](Device& device) { device.reset_device(deviceId); });
}
extern "C" aclError aclrtGetDevice(int32_t* deviceId) {
  return written(__func__, deviceId, "deviceId", [&](Device& device) { return device.current_device(); });
}
extern "C" aclError aclrtGetRunMode(aclrtRunMode* runMode) {
  return written(__func__, runMode, "runMode", [&](Device& device) { return device.mode() == virtual_npu::Mode::board ? ACL_DEVICE : ACL_HOST; });
}
extern "C" aclError aclrtCreateContext(aclrtContext* context, int32_t deviceId) {
  return written(__func__, context, "context", [&](Device& device) { return handle(device.create_context(deviceId)); });
}
extern "C" aclError aclrtDestroyContext(aclrtContext context) {
  return guarded(__func__, [&](Device& device) { device.destroy_context(context); });
}
extern "C" aclError aclrtSetCurrentContext(aclrtContext context) {
  return guarded(__func__, [&](Device& device) { device.set_current_context(context); });
}
extern "C" aclError aclrtGetCurrentContext(aclrtContext* context) {
  return written(__func__, context, "context", [&](Device& device) { return handle(device.current_context()); });
}
extern "C" aclError aclrtCreateStream(aclrtStream* stream) {
  return written(__func__, stream, "stream", [&](Device& device) { return handle(device.create_stream()); });
}
extern "C" aclError aclrtDestroyStream(aclrtStream stream) {
  return guarded(__func__, [&](Device& device) { device.destroy_stream(stream); });
}
extern "C" aclError aclrtSynchronizeStream(aclrtStream stream) {
  return guarded(__func__, [&](Device& device) { device.synchronise(stream, std::nullopt); });
}
extern "C" aclError aclrtSynchronizeStreamWithTimeout(aclrtStream stream, int32_t timeout) {
  return guarded(__func__, [&](Device& device) {
    if (timeout < -1) refuse(Rule::invalid_value, "a time-out of {} ms", timeout);
    device.synchronise(stream, timeout == -1 ? std::nullopt : std::optional(timeout / 1e3));  // -1: no limit
  });
}
extern "C" aclError aclrtSynchronizeDevice() {
  return guarded(__func__, [](Device& device) { device.synchronise_device(); });
}
extern "C" aclError aclrtCreateEvent(aclrtEvent* event) {
  return written(__func__, event, "event", [&](Device& device) { return handle(device.create_event()); });
}
extern "C" aclError aclrtDestroyEvent(aclrtEvent event) {
  return guarded(__func__, [&](Device& device) { device.destroy_event(event); });
}
extern "C" aclError aclrtRecordEvent(aclrtEvent event, aclrtStream stream) {
  return guarded(__func__, [&](Device& device) { device.record(event, stream); });
}
extern "C" aclError aclrtSynchronizeEvent(aclrtEvent event) {
  return guarded(__func__, [&](Device& device) { device.synchronise_event(event); });
}
extern "C" aclError aclrtQueryEventStatus(aclrtEvent event, aclrtEventRecordedStatus* status) {
  return written(__func__, status, "status", [&](Device& device) { return device.is_done(event) ? ACL_EVENT_RECORDED_STATUS_COMPLETE : ACL_EVENT_RECORDED_STATUS_NOT_READY; });
}
extern "C" aclError aclrtStreamWaitEvent(aclrtStream stream, aclrtEvent event) {
  return guarded(__func__, [&](Device& device) { device.wait(stream, event); });
}
extern "C" aclError aclrtEventElapsedTime(float* ms, aclrtEvent startEvent, aclrtEvent endEvent) {
  return written(__func__, ms, "ms", [&](Device& device) { return static_cast<float>(device.elapsed_ms(startEvent, endEvent)); });
}
extern "C" aclError aclrtMalloc(void** devPtr, size_t size, aclrtMemMallocPolicy policy) {
  return guarded(__func__, [&](Device& device) {
    require(devPtr, "devPtr");
    if (policy < ACL_MEM_MALLOC_HUGE_FIRST || policy > ACL_MEM_MALLOC_NORMAL_ONLY) refuse(Rule::invalid_value, "aclrtMalloc has no policy {} here", static_cast<int>(policy));
    *devPtr = device.allocate(size);
  });
}
extern "C" aclError aclrtFree(void* devPtr) {
  return guarded(__func__, [&](Device& device) { device.free(devPtr); });
}
extern "C" aclError aclrtMallocHost(void** hostPtr, size_t size) {
  return written(__func__, hostPtr, "hostPtr", [&](Device& device) { return device.allocate_host(size); });
}
extern "C" aclError aclrtFreeHost(void* hostPtr) {
  return guarded(__func__, [&](Device& device) { device.free_host(hostPtr); });
}
extern "C" aclError aclrtMemcpy(void* dst, size_t destMax, const void* src, size_t count, aclrtMemcpyKind kind) {
  return guarded(__func__, [&](Device& device) { device.copy(dst, destMax, src, count, kind); });
}
extern "C" aclError aclrtMemcpyAsync(void* dst, size_t destMax, const void* src, size_t count, aclrtMemcpyKind kind, aclrtStream stream) {
  return guarded(__func__, [&](Device& device) { device.copy_async(dst, destMax, src, count, kind, stream); });
}
extern "C" aclError aclrtMemset(void* devPtr, size_t maxCount, int32_t value, size_t count) {
  return guarded(__func__, [&](Device& device) { device.fill(devPtr, maxCount, value, count); });
}
extern "C" aclError aclrtMemsetAsync(void* devPtr, size_t maxCount, int32_t value, size_t count, aclrtStream stream) {
  return guarded(__func__, [&](Device& device) { device.fill_async(devPtr, maxCount, value, count, stream); });
}
extern "C" aclError aclrtGetMemInfo(aclrtMemAttr, size_t* free, size_t* total) {
  return guarded(__func__, [&](Device& device) {
    require(free, "free");
    require(total, "total");
    *free = device.free_bytes();
    *total = device.total_bytes();
  });
}

}  // namespace ropeway::cann
