// aclprof*: times of operators.
#include <fcntl.h>

#include <cstring>

#include "virtual_npu/exports/exported.h"

namespace ropeway::cann {

using virtual_npu::Device;
using virtual_npu::OperatorRecord;
using virtual_npu::refuse;
using virtual_npu::Rule;

struct aclprofConfig {};
struct aclprofSubscribeConfig {
  int pipe;
};

namespace {

// The ending 0 counts, as callers make an array of this size for the text.
aclError text_length(const char* function, const void* data, size_t bytes, uint32_t index, uint32_t OperatorRecord::*which, size_t* length) {
  return guarded(function, [&](Device& device) {
    require(length, "the length");
    *length = device.profiling().text(device.profiling().record(data, bytes, index).*which).size() + 1;
  });
}

aclError copy_text(const char* function, const void* data, size_t bytes, uint32_t index, uint32_t OperatorRecord::*which, char* to, size_t room) {
  return guarded(function, [&](Device& device) {
    require(to, "the text's place");
    const std::string& text = device.profiling().text(device.profiling().record(data, bytes, index).*which);
    if (room < text.size() + 1) refuse(Rule::no_room, "the text has {} bytes with its end, the place {}", text.size() + 1, room);
    std::memcpy(to, text.c_str(), text.size() + 1);
  });
}

}  // namespace

extern "C" aclError aclprofInit(const char* profilerResultPath, size_t length) {
  return guarded(__func__, [&](Device& device) {
    require(profilerResultPath, "profilerResultPath");
    device.check_initialised();
    device.profiling().initialise(std::string(profilerResultPath, strnlen(profilerResultPath, length)));
  });
}
extern "C" aclError aclprofFinalize() {
  return guarded(__func__, [](Device& device) { device.profiling().finalise(); });
}
extern "C" aclprofConfig* aclprofCreateConfig(uint32_t* deviceIdList, uint32_t deviceNums, aclprofAicoreMetrics, const aclprofAicoreEvents*, uint64_t) {
  return guarded_value<aclprofConfig*>(__func__, nullptr, [&](Device&) {
    require(deviceIdList, "deviceIdList");
    if (deviceNums != 1 || *deviceIdList != 0) refuse(Rule::unknown_device, "profiling knows device 0 alone");
    return handles_of<aclprofConfig>().add(std::make_shared<aclprofConfig>());
  });
}
extern "C" aclError aclprofDestroyConfig(const aclprofConfig* profilerConfig) {
  return guarded(__func__, [&](Device&) { destroy<aclprofConfig>(profilerConfig, "the profiling configuration"); });
}
extern "C" aclError aclprofStart(const aclprofConfig* profilerConfig) {
  return guarded(__func__, [&](Device& device) {
    known<aclprofConfig>(profilerConfig, "the profiling configuration");
    device.profiling().start();
  });
}
extern "C" aclError aclprofStop(const aclprofConfig* profilerConfig) {
  return guarded(__func__, [&](Device& device) {
    known<aclprofConfig>(profilerConfig, "the profiling configuration");
    device.profiling().stop();
  });
}

extern "C" aclprofSubscribeConfig* aclprofCreateSubscribeConfig(int8_t timeInfoSwitch, aclprofAicoreMetrics, void* fd) {
  return guarded_value<aclprofSubscribeConfig*>(__func__, nullptr, [&](Device&) {
    require(fd, "fd");
    if (fcntl(*static_cast<const int*>(fd), F_GETFD) < 0) refuse(Rule::invalid_value, "fd points to {}, which is no open file", *static_cast<const int*>(fd));
    if (timeInfoSwitch != 1) refuse(Rule::invalid_value, "timeInfoSwitch is {}: without times there is nothing to subscribe to", timeInfoSwitch);
    return handles_of<aclprofSubscribeConfig>().add(std::make_shared<aclprofSubscribeConfig>(*static_cast<const int*>(fd)));
  });
}
extern "C" aclError aclprofDestroySubscribeConfig(const aclprofSubscribeConfig* profSubscribeConfig) {
  return guarded(__func__, [&](Device&) { destroy<aclprofSubscribeConfig>(profSubscribeConfig, "the subscription's configuration"); });
}
extern "C" aclError aclprofModelSubscribe(uint32_t modelId, const aclprofSubscribeConfig* profSubscribeConfig) {
  return guarded(__func__, [&](Device& device) {
    device.check_initialised();
    const auto subscription = known<aclprofSubscribeConfig>(profSubscribeConfig, "the subscription's configuration");
    device.model(modelId);  // refuses unknown ones
    device.profiling().subscribe(modelId, subscription->pipe);
  });
}
extern "C" aclError aclprofModelUnSubscribe(uint32_t modelId) {
  return guarded(__func__, [&](Device& device) { device.profiling().unsubscribe(modelId); });
}

extern "C" aclError aclprofGetOpDescSize(size_t* opDescSize) {
  return written(__func__, opDescSize, "opDescSize", [&](Device&) { return sizeof(OperatorRecord); });
}
extern "C" aclError aclprofGetOpNum(const void* opInfo, size_t opInfoLen, uint32_t* opNumber) {
  return written(__func__, opNumber, "opNumber", [&](Device& device) { return static_cast<uint32_t>(device.profiling().record_count(opInfo, opInfoLen)); });
}
extern "C" aclError aclprofGetOpTypeLen(const void* opInfo, size_t opInfoLen, uint32_t index, size_t* opTypeLen) { return text_length(__func__, opInfo, opInfoLen, index, &OperatorRecord::type, opTypeLen); }
extern "C" aclError aclprofGetOpType(const void* opInfo, size_t opInfoLen, uint32_t index, char* opType, size_t opTypeLen) {
  return copy_text(__func__, opInfo, opInfoLen, index, &OperatorRecord::type, opType, opTypeLen);
}
extern "C" aclError aclprofGetOpNameLen(const void* opInfo, size_t opInfoLen, uint32_t index, size_t* opNameLen) { return text_length(__func__, opInfo, opInfoLen, index, &OperatorRecord::name, opNameLen); }
extern "C" aclError aclprofGetOpName(const void* opInfo, size_t opInfoLen, uint32_t index, char* opName, size_t opNameLen) {
  return copy_text(__func__, opInfo, opInfoLen, index, &OperatorRecord::name, opName, opNameLen);
}
// In nanoseconds, as CANN's documents since 6.0 say; the headers of 2023 speak of microseconds.
extern "C" uint64_t aclprofGetOpStart(const void* opInfo, size_t opInfoLen, uint32_t index) {
  return guarded_value<uint64_t>(__func__, 0, [&](Device& device) { return device.profiling().record(opInfo, opInfoLen, index).begin_ns; });
}
extern "C" uint64_t aclprofGetOpEnd(const void* opInfo, size_t opInfoLen, uint32_t index) {
  return guarded_value<uint64_t>(__func__, 0, [&](Device& device) { return device.profiling().record(opInfo, opInfoLen, index).end_ns; });
}
extern "C" uint64_t aclprofGetOpDuration(const void* opInfo, size_t opInfoLen, uint32_t index) {
  return guarded_value<uint64_t>(__func__, 0, [&](Device& device) {
    const OperatorRecord record = device.profiling().record(opInfo, opInfoLen, index);
    return record.end_ns - record.begin_ns;
  });
}
extern "C" size_t aclprofGetModelId(const void* opInfo, size_t opInfoLen, uint32_t index) {
  return guarded_value<size_t>(__func__, 0, [&](Device& device) -> size_t { return device.profiling().record(opInfo, opInfoLen, index).model; });
}

}  // namespace ropeway::cann
