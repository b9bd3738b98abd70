// The functions that the virtual libascendcl.so exports: CANN's names over the device. None throws; a failing one leaves a text for aclGetRecentErrMsg.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <string>
#include <type_traits>

#include "base/file.h"
#include "cann/installation.h"
#include "cann/functions.h"
#include "virtual_npu/device.h"
#include "virtual_npu/fault.h"

namespace ropeway::cann {

// Opaque to callers.
struct aclDataBuffer {
  void* data;
  size_t size;
};
struct aclmdlDataset {
  std::vector<aclDataBuffer*> buffers;
};
struct aclmdlDesc {
  std::shared_ptr<const virtual_npu::Model> model;
};

namespace {

using virtual_npu::Device;
using virtual_npu::Fault;
using virtual_npu::Port;
using virtual_npu::refuse;

thread_local std::string recent_text, shown_text;

aclError remember(aclError code, const std::string& text) {
  recent_text = text + " (virtual CANN)";
  return code;
}

template <class Action>
aclError guarded(Action&& action) noexcept {
  try {
    action(Device::instance());
    return ACL_SUCCESS;
  } catch (const Fault& fault) {
    return remember(fault.code(), fault.what());
  } catch (const Error& error) {
    return remember(error.code() == ErrorCode::out_of_memory ? ACL_ERROR_BAD_ALLOC : ACL_ERROR_INTERNAL_ERROR, error.what());
  } catch (const std::bad_alloc&) {
    return remember(ACL_ERROR_BAD_ALLOC, "this machine's memory is exhausted");
  } catch (const std::exception& error) {
    return remember(ACL_ERROR_INTERNAL_ERROR, error.what());
  }
}

void require(const void* pointer, const char* what) {
  if (pointer == nullptr) refuse(ACL_ERROR_INVALID_PARAM, "{} is a null pointer", what);
}

// For functions that give a value: `otherwise` when something is wrong.
template <class T, class Action>
T guarded_value(T otherwise, Action&& action) noexcept {
  T result = otherwise;
  const aclError code = guarded([&](Device&) { result = action(); });
  return code == ACL_SUCCESS ? result : otherwise;
}

[[noreturn]] void not_implemented(const char* function) { refuse(ACL_ERROR_API_NOT_SUPPORT, "{} is not implemented by Ropeway's virtual CANN", function); }

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

const std::vector<Port>& ports(const aclmdlDesc* desc, bool inputs) {
  require(desc, "the model description");
  if (!desc->model) refuse(ACL_ERROR_INVALID_PARAM, "aclmdlGetDesc has not filled this description");
  return inputs ? desc->model->inputs() : desc->model->outputs();
}

const Port& port(const aclmdlDesc* desc, bool inputs, size_t index) {
  const std::vector<Port>& all = ports(desc, inputs);
  if (index >= all.size()) refuse(ACL_ERROR_INVALID_PARAM, "there is no {} {}: the model has {}", inputs ? "input" : "output", index, all.size());
  return all[index];
}

aclError dims(const aclmdlDesc* desc, bool inputs, size_t index, aclmdlIODims* result) {
  return guarded([&](Device&) {
    require(result, "dims");
    const Port& found = port(desc, inputs, index);
    const Shape& shape = found.type.shape;
    if (shape.size() > std::size(result->dims)) refuse(ACL_ERROR_INVALID_PARAM, "{} has more than {} dimensions", found.name, std::size(result->dims));
    *result = {};
    found.name.copy(result->name, sizeof result->name - 1);
    result->dimCount = shape.size();
    std::copy(shape.begin(), shape.end(), result->dims);
  });
}

void execute(Device& device, uint32_t model, const aclmdlDataset* input, aclmdlDataset* output, aclrtStream stream) {
  require(input, "the input dataset");
  require(output, "the output dataset");
  std::vector<void*> data[2];
  std::vector<size_t> sizes[2];
  const aclmdlDataset* const sides[2] = {input, output};
  for (size_t side = 0; side < 2; ++side) {
    for (const aclDataBuffer* buffer : sides[side]->buffers) {
      data[side].push_back(buffer->data);
      sizes[side].push_back(buffer->size);
    }
  }
  device.execute(model, data[0], sizes[0], data[1], sizes[1], stream);
}

}  // namespace

// What says that this library is no vendor's: see cann/installation.h.
__attribute__((used, retain)) constexpr auto kMark = std::to_array(kVirtualMark);

#define EXPORTED extern "C" __attribute__((visibility("default")))

EXPORTED aclError aclInit(const char* configPath) {
  return guarded([&](Device& device) {
    if (configPath != nullptr && *configPath != '\0' && access(configPath, R_OK) != 0) refuse(ACL_ERROR_INVALID_FILE, "the configuration file {} cannot be read", configPath);
    device.initialise();
  });
}
EXPORTED aclError aclFinalize() {
  return guarded([](Device& device) { device.finalise(); });
}
EXPORTED const char* aclGetRecentErrMsg() {
  shown_text.swap(recent_text);
  recent_text.clear();
  return shown_text.empty() ? nullptr : shown_text.c_str();
}

EXPORTED aclDataBuffer* aclCreateDataBuffer(void* data, size_t size) { return new (std::nothrow) aclDataBuffer{data, size}; }
EXPORTED aclError aclDestroyDataBuffer(const aclDataBuffer* dataBuffer) {
  return guarded([&](Device&) {
    require(dataBuffer, "the data buffer");
    delete dataBuffer;
  });
}
EXPORTED aclError aclUpdateDataBuffer(aclDataBuffer* dataBuffer, void* data, size_t size) {
  return guarded([&](Device&) {
    require(dataBuffer, "the data buffer");
    *dataBuffer = {data, size};
  });
}
EXPORTED void* aclGetDataBufferAddr(const aclDataBuffer* dataBuffer) { return dataBuffer == nullptr ? nullptr : dataBuffer->data; }
EXPORTED size_t aclGetDataBufferSizeV2(const aclDataBuffer* dataBuffer) { return dataBuffer == nullptr ? 0 : dataBuffer->size; }
EXPORTED size_t aclDataTypeSize(aclDataType dataType) {
  for (const DType dtype : {DType::f32, DType::f64, DType::f16, DType::bf16, DType::i8, DType::i16, DType::i32, DType::i64, DType::u8, DType::u16, DType::u32, DType::u64, DType::boolean}) {
    if (data_type(dtype) == dataType) return size_of(dtype);
  }
  return 0;
}

EXPORTED aclError aclrtGetVersion(int32_t* majorVersion, int32_t* minorVersion, int32_t* patchVersion) {
  return guarded([&](Device&) {
    for (int32_t* each : {majorVersion, minorVersion, patchVersion}) require(each, "a version number");
    *majorVersion = 1;  // of the run-time interface, as CANN counts it; not of CANN
    *minorVersion = 0;
    *patchVersion = 0;
  });
}
EXPORTED const char* aclrtGetSocName() {
  return guarded_value<const char*>(nullptr, [] { return Device::instance().soc().name; });
}
EXPORTED aclError aclrtGetDeviceCount(uint32_t* count) {
  return guarded([&](Device&) {
    require(count, "count");
    *count = 1;
  });
}
EXPORTED aclError aclrtSetDevice(int32_t deviceId) {
  return guarded([&](Device& device) { device.set_device(deviceId); });
}
EXPORTED aclError aclrtResetDevice(int32_t deviceId) {
  return guarded([&](Device& device) { device.reset_device(deviceId); });
}
EXPORTED aclError aclrtGetDevice(int32_t* deviceId) {
  return guarded([&](Device& device) {
    require(deviceId, "deviceId");
    *deviceId = device.current_device();
  });
}
EXPORTED aclError aclrtGetRunMode(aclrtRunMode* runMode) {
  return guarded([&](Device&) {
    require(runMode, "runMode");
    *runMode = ACL_HOST;
  });
}
EXPORTED aclError aclrtCreateContext(aclrtContext* context, int32_t deviceId) {
  return guarded([&](Device& device) {
    require(context, "context");
    *context = device.create_context(deviceId);
  });
}
EXPORTED aclError aclrtDestroyContext(aclrtContext context) {
  return guarded([&](Device& device) { device.destroy_context(context); });
}
EXPORTED aclError aclrtSetCurrentContext(aclrtContext context) {
  return guarded([&](Device& device) { device.set_current_context(context); });
}
EXPORTED aclError aclrtGetCurrentContext(aclrtContext* context) {
  return guarded([&](Device& device) {
    require(context, "context");
    *context = device.current_context();
  });
}
EXPORTED aclError aclrtCreateStream(aclrtStream* stream) {
  return guarded([&](Device& device) {
    require(stream, "stream");
    *stream = device.create_stream();
  });
}
EXPORTED aclError aclrtDestroyStream(aclrtStream stream) {
  return guarded([&](Device& device) { device.destroy_stream(stream); });
}
EXPORTED aclError aclrtSynchronizeStream(aclrtStream stream) {
  return guarded([&](Device& device) { device.synchronise(stream); });
}
EXPORTED aclError aclrtSynchronizeDevice() {
  return guarded([](Device& device) { device.synchronise(nullptr); });
}
EXPORTED aclError aclrtCreateEvent(aclrtEvent* event) {
  return guarded([&](Device& device) {
    require(event, "event");
    *event = device.create_event();
  });
}
EXPORTED aclError aclrtDestroyEvent(aclrtEvent event) {
  return guarded([&](Device& device) { device.destroy_event(event); });
}
EXPORTED aclError aclrtRecordEvent(aclrtEvent event, aclrtStream stream) {
  return guarded([&](Device& device) { device.record(event, stream); });
}
EXPORTED aclError aclrtSynchronizeEvent(aclrtEvent event) {
  return guarded([&](Device& device) { device.synchronise_event(event); });
}
EXPORTED aclError aclrtEventElapsedTime(float* ms, aclrtEvent startEvent, aclrtEvent endEvent) {
  return guarded([&](Device& device) {
    require(ms, "ms");
    *ms = static_cast<float>(device.elapsed_ms(startEvent, endEvent));
  });
}
EXPORTED aclError aclrtMalloc(void** devPtr, size_t size, aclrtMemMallocPolicy policy) {
  return guarded([&](Device& device) {
    require(devPtr, "devPtr");
    if (policy < ACL_MEM_MALLOC_HUGE_FIRST || policy > ACL_MEM_MALLOC_NORMAL_ONLY) refuse(ACL_ERROR_INVALID_PARAM, "aclrtMalloc has no policy {} here", static_cast<int>(policy));
    *devPtr = device.allocate(size);
  });
}
EXPORTED aclError aclrtFree(void* devPtr) {
  return guarded([&](Device& device) { device.free(devPtr); });
}
EXPORTED aclError aclrtMallocHost(void** hostPtr, size_t size) {
  return guarded([&](Device& device) {
    require(hostPtr, "hostPtr");
    *hostPtr = device.allocate_host(size);
  });
}
EXPORTED aclError aclrtFreeHost(void* hostPtr) {
  return guarded([&](Device& device) { device.free_host(hostPtr); });
}
EXPORTED aclError aclrtMemcpy(void* dst, size_t destMax, const void* src, size_t count, aclrtMemcpyKind kind) {
  return guarded([&](Device& device) { device.copy(dst, destMax, src, count, kind, std::nullopt); });
}
EXPORTED aclError aclrtMemcpyAsync(void* dst, size_t destMax, const void* src, size_t count, aclrtMemcpyKind kind, aclrtStream stream) {
  return guarded([&](Device& device) { device.copy(dst, destMax, src, count, kind, stream); });
}
EXPORTED aclError aclrtMemset(void* devPtr, size_t maxCount, int32_t value, size_t count) {
  return guarded([&](Device& device) { device.fill(devPtr, maxCount, value, count); });
}
EXPORTED aclError aclrtGetMemInfo(aclrtMemAttr, size_t* free, size_t* total) {
  return guarded([&](Device& device) {
    require(free, "free");
    require(total, "total");
    *free = device.free_bytes();
    *total = device.total_bytes();
  });
}

EXPORTED aclError aclmdlLoadFromFile(const char* modelPath, uint32_t* modelId) {
  return guarded([&](Device& device) {
    require(modelPath, "modelPath");
    require(modelId, "modelId");
    std::string bytes;
    try {
      const File file(modelPath);
      bytes.resize(file.size());
      file.read(0, std::as_writable_bytes(std::span(bytes)));
    } catch (const Error& error) {
      refuse(ACL_ERROR_GE_EXEC_MODEL_PATH_INVALID, "{}", error.message());
    }
    *modelId = device.load(bytes, modelPath);
  });
}
EXPORTED aclError aclmdlLoadFromMem(const void* model, size_t modelSize, uint32_t* modelId) {
  return guarded([&](Device& device) {
    require(model, "model");
    require(modelId, "modelId");
    *modelId = device.load({static_cast<const char*>(model), modelSize}, "the model in memory");
  });
}
EXPORTED aclError aclmdlUnload(uint32_t modelId) {
  return guarded([&](Device& device) { device.unload(modelId); });
}
EXPORTED aclmdlDesc* aclmdlCreateDesc() { return new (std::nothrow) aclmdlDesc; }
EXPORTED aclError aclmdlDestroyDesc(aclmdlDesc* modelDesc) {
  return guarded([&](Device&) {
    require(modelDesc, "modelDesc");
    delete modelDesc;
  });
}
EXPORTED aclError aclmdlGetDesc(aclmdlDesc* modelDesc, uint32_t modelId) {
  return guarded([&](Device& device) {
    require(modelDesc, "modelDesc");
    modelDesc->model = device.model(modelId);
  });
}
EXPORTED size_t aclmdlGetNumInputs(aclmdlDesc* modelDesc) {
  return guarded_value<size_t>(0, [&] { return ports(modelDesc, true).size(); });
}
EXPORTED size_t aclmdlGetNumOutputs(aclmdlDesc* modelDesc) {
  return guarded_value<size_t>(0, [&] { return ports(modelDesc, false).size(); });
}
EXPORTED size_t aclmdlGetInputSizeByIndex(aclmdlDesc* modelDesc, size_t index) {
  return guarded_value<size_t>(0, [&] { return port(modelDesc, true, index).bytes(); });
}
EXPORTED size_t aclmdlGetOutputSizeByIndex(aclmdlDesc* modelDesc, size_t index) {
  return guarded_value<size_t>(0, [&] { return port(modelDesc, false, index).bytes(); });
}
EXPORTED const char* aclmdlGetInputNameByIndex(const aclmdlDesc* modelDesc, size_t index) {
  return guarded_value<const char*>("", [&] { return port(modelDesc, true, index).name.c_str(); });
}
EXPORTED const char* aclmdlGetOutputNameByIndex(const aclmdlDesc* modelDesc, size_t index) {
  return guarded_value<const char*>("", [&] { return port(modelDesc, false, index).name.c_str(); });
}
EXPORTED aclDataType aclmdlGetInputDataType(const aclmdlDesc* modelDesc, size_t index) {
  return guarded_value(ACL_DT_UNDEFINED, [&] { return data_type(port(modelDesc, true, index).type.dtype); });
}
EXPORTED aclDataType aclmdlGetOutputDataType(const aclmdlDesc* modelDesc, size_t index) {
  return guarded_value(ACL_DT_UNDEFINED, [&] { return data_type(port(modelDesc, false, index).type.dtype); });
}
EXPORTED aclFormat aclmdlGetInputFormat(const aclmdlDesc* modelDesc, size_t index) {
  return guarded_value(ACL_FORMAT_UNDEFINED, [&] { return port(modelDesc, true, index).type.shape.size() == 4 ? ACL_FORMAT_NCHW : ACL_FORMAT_ND; });
}
EXPORTED aclFormat aclmdlGetOutputFormat(const aclmdlDesc* modelDesc, size_t index) {
  return guarded_value(ACL_FORMAT_UNDEFINED, [&] { return port(modelDesc, false, index).type.shape.size() == 4 ? ACL_FORMAT_NCHW : ACL_FORMAT_ND; });
}
EXPORTED aclError aclmdlGetInputDims(const aclmdlDesc* modelDesc, size_t index, aclmdlIODims* result) { return dims(modelDesc, true, index, result); }
EXPORTED aclError aclmdlGetOutputDims(const aclmdlDesc* modelDesc, size_t index, aclmdlIODims* result) { return dims(modelDesc, false, index, result); }
EXPORTED aclError aclmdlGetCurOutputDims(const aclmdlDesc* modelDesc, size_t index, aclmdlIODims* result) { return dims(modelDesc, false, index, result); }
EXPORTED aclError aclmdlGetInputIndexByName(const aclmdlDesc* modelDesc, const char* name, size_t* index) {
  return guarded([&](Device&) {
    require(name, "name");
    require(index, "index");
    const std::vector<Port>& all = ports(modelDesc, true);
    const auto at = std::find_if(all.begin(), all.end(), [&](const Port& each) { return each.name == name; });
    if (at == all.end()) refuse(ACL_ERROR_INVALID_PARAM, "the model has no input {}", name);
    *index = static_cast<size_t>(at - all.begin());
  });
}
EXPORTED aclmdlDataset* aclmdlCreateDataset() { return new (std::nothrow) aclmdlDataset; }
EXPORTED aclError aclmdlDestroyDataset(const aclmdlDataset* dataset) {
  return guarded([&](Device&) {
    require(dataset, "dataset");
    delete dataset;
  });
}
EXPORTED aclError aclmdlAddDatasetBuffer(aclmdlDataset* dataset, aclDataBuffer* dataBuffer) {
  return guarded([&](Device&) {
    require(dataset, "dataset");
    require(dataBuffer, "dataBuffer");
    dataset->buffers.push_back(dataBuffer);
  });
}
EXPORTED size_t aclmdlGetDatasetNumBuffers(const aclmdlDataset* dataset) { return dataset == nullptr ? 0 : dataset->buffers.size(); }
EXPORTED aclDataBuffer* aclmdlGetDatasetBuffer(const aclmdlDataset* dataset, size_t index) {
  return dataset == nullptr || index >= dataset->buffers.size() ? nullptr : dataset->buffers[index];
}
EXPORTED aclError aclmdlExecute(uint32_t modelId, const aclmdlDataset* input, aclmdlDataset* output) {
  return guarded([&](Device& device) { execute(device, modelId, input, output, nullptr); });
}
EXPORTED aclError aclmdlExecuteAsync(uint32_t modelId, const aclmdlDataset* input, aclmdlDataset* output, aclrtStream stream) {
  return guarded([&](Device& device) { execute(device, modelId, input, output, stream); });
}
EXPORTED aclError aclmdlSetDynamicBatchSize(uint32_t, aclmdlDataset*, size_t, uint64_t) {
  return guarded([](Device&) { not_implemented("aclmdlSetDynamicBatchSize"); });
}
EXPORTED aclError aclmdlSetDynamicHWSize(uint32_t, aclmdlDataset*, size_t, uint64_t, uint64_t) {
  return guarded([](Device&) { not_implemented("aclmdlSetDynamicHWSize"); });
}
EXPORTED aclError aclmdlSetInputDynamicDims(uint32_t, aclmdlDataset*, size_t, const aclmdlIODims*) {
  return guarded([](Device&) { not_implemented("aclmdlSetInputDynamicDims"); });
}

#undef EXPORTED

// Every row of the table is here, with exactly its type.
#define ROPEWAY_CANN(library, need, result, name, parameters) static_assert(std::is_same_v<decltype(&(name)), decltype(Functions::name)>);
#include "cann/abi.def"
#undef ROPEWAY_CANN

}  // namespace ropeway::cann
