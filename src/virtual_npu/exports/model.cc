// aclmdl*: loading, describing and running compiled models.
#include <algorithm>
#include <new>

#include "base/file.h"
#include "virtual_npu/exports/exported.h"

namespace ropeway::cann {

using virtual_npu::Device;
using virtual_npu::Port;
using virtual_npu::refuse;
using virtual_npu::Rule;

namespace {

std::string content_of(const char* path) {
  require(path, "the model's path");
  try {
    const File file(path);
    std::string bytes(file.size(), '\0');
    file.read(0, std::as_writable_bytes(std::span(bytes)));
    return bytes;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::out_of_memory) throw;
    refuse(Rule::unreadable_model, error.message());
  }
}

std::string_view content_of(const void* model, size_t bytes) {
  require(model, "the model");
  return {static_cast<const char*>(model), bytes};
}

void query_size(Device& device, std::string_view bytes, const std::string& what, size_t* work, size_t* weights) {
  require(work, "workSize");
  require(weights, "weightSize");
  const auto model = device.read(bytes, what);
  *work = model->work_bytes();
  *weights = model->weight_bytes();
}

// The memory that a caller brings for a model's intermediate values and weights.
void check_brought(Device& device, const virtual_npu::Model& model, const void* work, size_t work_bytes, const void* weights, size_t weight_bytes) {
  const auto check = [&](const char* what, const void* memory, size_t given, size_t needed) {
    if (given < needed) refuse(Rule::no_room, "the {} memory has {} bytes, and {} are needed", what, given, needed);
    if (needed > 0) device.check_device_memory(memory, given, fmt::format("the {} memory", what));
  };
  check("work", work, work_bytes, model.work_bytes());
  check("weight", weights, weight_bytes, model.weight_bytes());
}

const std::vector<Port>& ports(const aclmdlDesc* desc, bool inputs) {
  const auto description = known<aclmdlDesc>(desc, "the model description");
  if (!description->model) refuse(Rule::empty_description);
  return inputs ? description->model->inputs() : description->model->outputs();
}

const Port& port(const aclmdlDesc* desc, bool inputs, size_t index) {
  const std::vector<Port>& all = ports(desc, inputs);
  if (index >= all.size()) refuse(Rule::unknown_port, "there is no {} {}: the model has {}", inputs ? "input" : "output", index, all.size());
  return all[index];
}

aclError dims(const char* function, const aclmdlDesc* desc, bool inputs, size_t index, aclmdlIODims* result) {
  return guarded(function, [&](Device&) {
    require(result, "dims");
    const Port& found = port(desc, inputs, index);
    const Shape& shape = found.type.shape;
    if (shape.size() > std::size(result->dims)) refuse(Rule::invalid_value, "{} has more than {} dimensions", found.name, std::size(result->dims));
    *result = {};
    found.name.copy(result->name, sizeof result->name - 1);
    result->dimCount = shape.size();
    std::copy(shape.begin(), shape.end(), result->dims);
  });
}

virtual_npu::BufferList buffers(const aclmdlDataset* dataset, const char* what) {
  const auto found = known<aclmdlDataset>(dataset, what);
  virtual_npu::BufferList result;
  for (const aclDataBuffer* each : found->buffers) {
    const auto buffer = known<aclDataBuffer>(each, "a data buffer of the dataset");
    result.data.push_back(buffer->data);
    result.bytes.push_back(buffer->size);
  }
  return result;
}

}  // namespace

extern "C" aclError aclmdlLoadFromFile(const char* modelPath, uint32_t* modelId) {
  return guarded(__func__, [&](Device& device) {
    require(modelId, "modelId");
    device.check_context();
    const std::string bytes = content_of(modelPath);
    *modelId = device.load(bytes, modelPath);
  });
}
extern "C" aclError aclmdlLoadFromMem(const void* model, size_t modelSize, uint32_t* modelId) {
  return guarded(__func__, [&](Device& device) {
    require(modelId, "modelId");
    *modelId = device.load_from_memory(content_of(model, modelSize));
  });
}
extern "C" aclError aclmdlLoadFromFileWithMem(const char* modelPath, uint32_t* modelId, void* workPtr, size_t workSize, void* weightPtr, size_t weightSize) {
  return guarded(__func__, [&](Device& device) {
    require(modelId, "modelId");
    device.check_context();
    const std::string bytes = content_of(modelPath);
    check_brought(device, *device.read(bytes, modelPath), workPtr, workSize, weightPtr, weightSize);
    *modelId = device.load(bytes, modelPath, false);
  });
}
extern "C" aclError aclmdlLoadFromMemWithMem(const void* model, size_t modelSize, uint32_t* modelId, void* workPtr, size_t workSize, void* weightPtr, size_t weightSize) {
  return guarded(__func__, [&](Device& device) {
    require(modelId, "modelId");
    device.check_context();
    const std::string_view bytes = content_of(model, modelSize);
    check_brought(device, *device.read(bytes, "the model in memory"), workPtr, workSize, weightPtr, weightSize);
    *modelId = device.load_from_memory(bytes, false);
  });
}
extern "C" aclError aclmdlQuerySize(const char* fileName, size_t* workSize, size_t* weightSize) {
  return guarded(__func__, [&](Device& device) {
    const std::string bytes = content_of(fileName);
    query_size(device, bytes, fileName, workSize, weightSize);
  });
}
extern "C" aclError aclmdlQuerySizeFromMem(const void* model, size_t modelSize, size_t* workSize, size_t* weightSize) {
  return guarded(__func__, [&](Device& device) { query_size(device, content_of(model, modelSize), "the model in memory", workSize, weightSize); });
}
extern "C" aclError aclmdlUnload(uint32_t modelId) {
  return guarded(__func__, [&](Device& device) { device.unload(modelId); });
}
extern "C" aclmdlDesc* aclmdlCreateDesc() {
  return guarded_value<aclmdlDesc*>(__func__, nullptr, [](Device&) { return handles_of<aclmdlDesc>().add(std::make_shared<aclmdlDesc>()); });
}
extern "C" aclError aclmdlDestroyDesc(aclmdlDesc* modelDesc) {
  return guarded(__func__, [&](Device&) { destroy<aclmdlDesc>(modelDesc, "the model description"); });
}
extern "C" aclError aclmdlGetDesc(aclmdlDesc* modelDesc, uint32_t modelId) {
  return guarded(__func__, [&](Device& device) {
    known<aclmdlDesc>(modelDesc, "the model description")->model = device.model(modelId);
  });
}
extern "C" size_t aclmdlGetNumInputs(aclmdlDesc* modelDesc) {
  return guarded_value<size_t>(__func__, 0, [&](Device&) { return ports(modelDesc, true).size(); });
}
extern "C" size_t aclmdlGetNumOutputs(aclmdlDesc* modelDesc) {
  return guarded_value<size_t>(__func__, 0, [&](Device&) { return ports(modelDesc, false).size(); });
}
extern "C" size_t aclmdlGetInputSizeByIndex(aclmdlDesc* modelDesc, size_t index) {
  return guarded_value<size_t>(__func__, 0, [&](Device&) { return port(modelDesc, true, index).bytes(); });
}
extern "C" size_t aclmdlGetOutputSizeByIndex(aclmdlDesc* modelDesc, size_t index) {
  return guarded_value<size_t>(__func__, 0, [&](Device&) { return port(modelDesc, false, index).bytes(); });
}
extern "C" const char* aclmdlGetInputNameByIndex(const aclmdlDesc* modelDesc, size_t index) {
  return guarded_value<const char*>(__func__, "", [&](Device&) { return port(modelDesc, true, index).name.c_str(); });
}
extern "C" const char* aclmdlGetOutputNameByIndex(const aclmdlDesc* modelDesc, size_t index) {
  return guarded_value<const char*>(__func__, "", [&](Device&) { return port(modelDesc, false, index).name.c_str(); });
}
extern "C" aclDataType aclmdlGetInputDataType(const aclmdlDesc* modelDesc, size_t index) {
  return guarded_value(__func__, ACL_DT_UNDEFINED, [&](Device&) { return data_type(port(modelDesc, true, index).type.dtype); });
}
extern "C" aclDataType aclmdlGetOutputDataType(const aclmdlDesc* modelDesc, size_t index) {
  return guarded_value(__func__, ACL_DT_UNDEFINED, [&](Device&) { return data_type(port(modelDesc, false, index).type.dtype); });
}
extern "C" aclFormat aclmdlGetInputFormat(const aclmdlDesc* modelDesc, size_t index) {
  return guarded_value(__func__, ACL_FORMAT_UNDEFINED, [&](Device&) { return port(modelDesc, true, index).type.shape.size() == 4 ? ACL_FORMAT_NCHW : ACL_FORMAT_ND; });
}
extern "C" aclFormat aclmdlGetOutputFormat(const aclmdlDesc* modelDesc, size_t index) {
  return guarded_value(__func__, ACL_FORMAT_UNDEFINED, [&](Device&) { return port(modelDesc, false, index).type.shape.size() == 4 ? ACL_FORMAT_NCHW : ACL_FORMAT_ND; });
}
extern "C" aclError aclmdlGetInputDims(const aclmdlDesc* modelDesc, size_t index, aclmdlIODims* result) { return dims(__func__, modelDesc, true, index, result); }
extern "C" aclError aclmdlGetOutputDims(const aclmdlDesc* modelDesc, size_t index, aclmdlIODims* result) { return dims(__func__, modelDesc, false, index, result); }
extern "C" aclError aclmdlGetCurOutputDims(const aclmdlDesc* modelDesc, size_t index, aclmdlIODims* result) { return dims(__func__, modelDesc, false, index, result); }
extern "C" aclError aclmdlGetInputIndexByName(const aclmdlDesc* modelDesc, const char* name, size_t* index) {
  return guarded(__func__, [&](Device&) {
    require(name, "name");
    require(index, "index");
    const std::vector<Port>& all = ports(modelDesc, true);
    const auto at = std::find_if(all.begin(), all.end(), [&](const Port& each) { return each.name == name; });
    if (at == all.end()) refuse(Rule::unknown_port, "no input is named {}", name);
    *index = static_cast<size_t>(at - all.begin());
  });
}
extern "C" aclmdlDataset* aclmdlCreateDataset() {
  return guarded_value<aclmdlDataset*>(__func__, nullptr, [](Device&) { return handles_of<aclmdlDataset>().add(std::make_shared<aclmdlDataset>()); });
}
extern "C" aclError aclmdlDestroyDataset(const aclmdlDataset* dataset) {
  return guarded(__func__, [&](Device&) { destroy<aclmdlDataset>(dataset, "the dataset"); });
}
extern "C" aclError aclmdlAddDatasetBuffer(aclmdlDataset* dataset, aclDataBuffer* dataBuffer) {
  return guarded(__func__, [&](Device&) {
    known<aclDataBuffer>(dataBuffer, "the data buffer");
    known<aclmdlDataset>(dataset, "the dataset")->buffers.push_back(dataBuffer);
  });
}
extern "C" size_t aclmdlGetDatasetNumBuffers(const aclmdlDataset* dataset) {
  return guarded_value<size_t>(__func__, 0, [&](Device&) { return known<aclmdlDataset>(dataset, "the dataset")->buffers.size(); });
}
extern "C" aclDataBuffer* aclmdlGetDatasetBuffer(const aclmdlDataset* dataset, size_t index) {
  return guarded_value<aclDataBuffer*>(__func__, nullptr, [&](Device&) {
    const auto found = known<aclmdlDataset>(dataset, "the dataset");
    if (index >= found->buffers.size()) refuse(Rule::invalid_value, "there is no buffer {}: the dataset has {}", index, found->buffers.size());
    return found->buffers[index];
  });
}
extern "C" aclError aclmdlExecute(uint32_t modelId, const aclmdlDataset* input, aclmdlDataset* output) {
  return guarded(__func__, [&](Device& device) { device.execute(modelId, buffers(input, "the input dataset"), buffers(output, "the output dataset")); });
}
extern "C" aclError aclmdlExecuteAsync(uint32_t modelId, const aclmdlDataset* input, aclmdlDataset* output, aclrtStream stream) {
  return guarded(__func__, [&](Device& device) { device.execute_async(modelId, buffers(input, "the input dataset"), buffers(output, "the output dataset"), stream); });
}
extern "C" aclError aclmdlCreateAndGetOpDesc(uint32_t deviceId, uint32_t streamId, uint32_t taskId, char*, size_t, aclTensorDesc**, size_t*, aclTensorDesc**, size_t*) {
  // CANN tells these numbers to a callback for failed tasks, which the virtual CANN does not have: so no caller can know one.
  return guarded(__func__, [&](Device&) { refuse(Rule::unknown_task, "device {}, stream {}, task {}", deviceId, streamId, taskId); });
}
extern "C" aclError aclmdlSetDynamicBatchSize(uint32_t, aclmdlDataset*, size_t, uint64_t) {
  return guarded(__func__, [](Device&) { not_implemented(); });
}
extern "C" aclError aclmdlSetDynamicHWSize(uint32_t, aclmdlDataset*, size_t, uint64_t, uint64_t) {
  return guarded(__func__, [](Device&) { not_implemented(); });
}
extern "C" aclError aclmdlSetInputDynamicDims(uint32_t, aclmdlDataset*, size_t, const aclmdlIODims*) {
  return guarded(__func__, [](Device&) { not_implemented(); });
}

}  // namespace ropeway::cann
