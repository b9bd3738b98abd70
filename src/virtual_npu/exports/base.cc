// aclInit and the like, error texts, data buffers and data types.
#include <unistd.h>

#include <array>

#include "cann/installation.h"
#include "virtual_npu/exports/exported.h"

namespace ropeway::cann {

using virtual_npu::Device;
using virtual_npu::refuse;
using virtual_npu::Rule;

namespace {
thread_local std::string recent_text, shown_text;
}

aclError remember(aclError code, const std::string& text) {
  recent_text = text + " (virtual CANN)";
  return code;
}

const std::string& remembered() { return recent_text; }

void log_call(const char* function, aclError code, const std::string& text) noexcept {
  try {
    Device::instance().failures().end(function, code, text);
  } catch (const std::exception&) {
    // No device, because its settings are wrong: the call itself has said so.
  }
}

aclDataType data_type(DType dtype) {
  switch (dtype) {
    case DType::f32: return ACL_FLOAT;
    case DType::f64: return ACL_DOUBLE;
    case DType::f16: return ACL_FLOAT16;
    case DType::bf16: return ACL_BF16;
    case DType::i8: return ACL_INT8;
    case DType::i16: return ACL_INT16;
    case DType::i32: return ACL_INT32;
    case DType::i64: return ACL_INT64;
    case DType::u8: return ACL_UINT8;
    case DType::u16: return ACL_UINT16;
    case DType::u32: return ACL_UINT32;
    case DType::u64: return ACL_UINT64;
    case DType::boolean: return ACL_BOOL;
  }
  return ACL_DT_UNDEFINED;
}

size_t bytes_of(aclDataType type) {
  for (const DType dtype : {DType::f32, DType::f64, DType::f16, DType::bf16, DType::i8, DType::i16, DType::i32, DType::i64, DType::u8, DType::u16, DType::u32, DType::u64, DType::boolean}) {
    if (data_type(dtype) == type) return size_of(dtype);
  }
  return 0;
}

// What says that this library is no vendor's: see cann/installation.h. Its use keeps it in the library: the attribute for that is not known to every tool-chain.
constexpr auto kMark = std::to_array(kVirtualMark);

extern "C" aclError aclInit(const char* configPath) {
  asm volatile("" : : "r"(kMark.data()));
  return guarded(__func__, [&](Device& device) {
    if (configPath != nullptr && *configPath != '\0' && access(configPath, R_OK) != 0) refuse(Rule::unreadable_configuration, configPath);
    device.initialise();
  });
}
extern "C" aclError aclFinalize() {
  return guarded(__func__, [](Device& device) { device.finalise(); });
}
extern "C" const char* aclGetRecentErrMsg() {
  shown_text.swap(recent_text);
  recent_text.clear();
  return shown_text.empty() ? nullptr : shown_text.c_str();
}

extern "C" aclDataBuffer* aclCreateDataBuffer(void* data, size_t size) {
  return guarded_value<aclDataBuffer*>(__func__, nullptr, [&](Device&) { return handles_of<aclDataBuffer>().add(std::make_shared<aclDataBuffer>(data, size)); });
}
extern "C" aclError aclDestroyDataBuffer(const aclDataBuffer* dataBuffer) {
  return guarded(__func__, [&](Device&) { destroy<aclDataBuffer>(dataBuffer, "the data buffer"); });
}
extern "C" aclError aclUpdateDataBuffer(aclDataBuffer* dataBuffer, void* data, size_t size) {
  return guarded(__func__, [&](Device&) { *known<aclDataBuffer>(dataBuffer, "the data buffer") = {data, size}; });
}
extern "C" void* aclGetDataBufferAddr(const aclDataBuffer* dataBuffer) {
  return guarded_value<void*>(__func__, nullptr, [&](Device&) { return known<aclDataBuffer>(dataBuffer, "the data buffer")->data; });
}
extern "C" size_t aclGetDataBufferSizeV2(const aclDataBuffer* dataBuffer) {
  return guarded_value<size_t>(__func__, 0, [&](Device&) { return known<aclDataBuffer>(dataBuffer, "the data buffer")->size; });
}
extern "C" size_t aclDataTypeSize(aclDataType dataType) {
  return guarded_value<size_t>(__func__, 0, [&](Device&) { return bytes_of(dataType); });
}

}  // namespace ropeway::cann
