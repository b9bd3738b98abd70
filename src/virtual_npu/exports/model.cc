// aclmdl*: loading, describing and running compiled models.
#include <algorithm>
#include <new>

#include "base/file.h"
#include "virtual_npu/exports/exported.h"

namespace ropeway::cann {

using virtual_npu::Device;
using virtual_npu::Port;
using virtual_npu::refuse;

namespace {

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

extern "C" aclError aclmdlLoadFromFile(const char* modelPath, uint32_t* modelId) {
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
extern "C" aclError aclmdlLoadFromMem(const void* model, size_t modelSize, uint32_t* modelId) {
  return guarded([&](Device& device) {
    require(model, "model");
    require(modelId, "modelId");
    *modelId = device.load({static_cast<const char*>(model), modelSize}, "the model in memory");
  });
}
extern "C" aclError aclmdlUnload(uint32_t modelId) {
  return guarded([&](Device& device) { device.unload(modelId); });
}
extern "C" aclmdlDesc* aclmdlCreateDesc() { return new (std::nothrow) aclmdlDesc; }
extern "C" aclError aclmdlDestroyDesc(aclmdlDesc* modelDesc) {
  return guarded([&](Device&) {
    require(modelDesc, "modelDesc");
    delete modelDesc;
  });
}
extern "C" aclError aclmdlGetDesc(aclmdlDesc* modelDesc, uint32_t modelId) {
  return guarded([&](Device& device) {
    require(modelDesc, "modelDesc");
    modelDesc->model = device.model(modelId);
  });
}
extern "C" size_t aclmdlGetNumInputs(aclmdlDesc* modelDesc) {
  return guarded_value<size_t>(0, [&] { return ports(modelDesc, true).size(); });
}
extern "C" size_t aclmdlGetNumOutputs(aclmdlDesc* modelDesc) {
  return guarded_value<size_t>(0, [&] { return ports(modelDesc, false).size(); });
}
extern "C" size_t aclmdlGetInputSizeByIndex(aclmdlDesc* modelDesc, size_t index) {
  return guarded_value<size_t>(0, [&] { return port(modelDesc, true, index).bytes(); });
}
extern "C" size_t aclmdlGetOutputSizeByIndex(aclmdlDesc* modelDesc, size_t index) {
  return guarded_value<size_t>(0, [&] { return port(modelDesc, false, index).bytes(); });
}
extern "C" const char* aclmdlGetInputNameByIndex(const aclmdlDesc* modelDesc, size_t index) {
  return guarded_value<const char*>("", [&] { return port(modelDesc, true, index).name.c_str(); });
}
extern "C" const char* aclmdlGetOutputNameByIndex(const aclmdlDesc* modelDesc, size_t index) {
  return guarded_value<const char*>("", [&] { return port(modelDesc, false, index).name.c_str(); });
}
extern "C" aclDataType aclmdlGetInputDataType(const aclmdlDesc* modelDesc, size_t index) {
  return guarded_value(ACL_DT_UNDEFINED, [&] { return data_type(port(modelDesc, true, index).type.dtype); });
}
extern "C" aclDataType aclmdlGetOutputDataType(const aclmdlDesc* modelDesc, size_t index) {
  return guarded_value(ACL_DT_UNDEFINED, [&] { return data_type(port(modelDesc, false, index).type.dtype); });
}
extern "C" aclFormat aclmdlGetInputFormat(const aclmdlDesc* modelDesc, size_t index) {
  return guarded_value(ACL_FORMAT_UNDEFINED, [&] { return port(modelDesc, true, index).type.shape.size() == 4 ? ACL_FORMAT_NCHW : ACL_FORMAT_ND; });
}
extern "C" aclFormat aclmdlGetOutputFormat(const aclmdlDesc* modelDesc, size_t index) {
  return guarded_value(ACL_FORMAT_UNDEFINED, [&] { return port(modelDesc, false, index).type.shape.size() == 4 ? ACL_FORMAT_NCHW : ACL_FORMAT_ND; });
}
extern "C" aclError aclmdlGetInputDims(const aclmdlDesc* modelDesc, size_t index, aclmdlIODims* result) { return dims(modelDesc, true, index, result); }
extern "C" aclError aclmdlGetOutputDims(const aclmdlDesc* modelDesc, size_t index, aclmdlIODims* result) { return dims(modelDesc, false, index, result); }
extern "C" aclError aclmdlGetCurOutputDims(const aclmdlDesc* modelDesc, size_t index, aclmdlIODims* result) { return dims(modelDesc, false, index, result); }
extern "C" aclError aclmdlGetInputIndexByName(const aclmdlDesc* modelDesc, const char* name, size_t* index) {
  return guarded([&](Device&) {
    require(name, "name");
    require(index, "index");
    const std::vector<Port>& all = ports(modelDesc, true);
    const auto at = std::find_if(all.begin(), all.end(), [&](const Port& each) { return each.name == name; });
    if (at == all.end()) refuse(ACL_ERROR_INVALID_PARAM, "the model has no input {}", name);
    *index = static_cast<size_t>(at - all.begin());
  });
}
extern "C" aclmdlDataset* aclmdlCreateDataset() { return new (std::nothrow) aclmdlDataset; }
extern "C" aclError aclmdlDestroyDataset(const aclmdlDataset* dataset) {
  return guarded([&](Device&) {
    require(dataset, "dataset");
    delete dataset;
  });
}
extern "C" aclError aclmdlAddDatasetBuffer(aclmdlDataset* dataset, aclDataBuffer* dataBuffer) {
  return guarded([&](Device&) {
    require(dataset, "dataset");
    require(dataBuffer, "dataBuffer");
    dataset->buffers.push_back(dataBuffer);
  });
}
extern "C" size_t aclmdlGetDatasetNumBuffers(const aclmdlDataset* dataset) { return dataset == nullptr ? 0 : dataset->buffers.size(); }
extern "C" aclDataBuffer* aclmdlGetDatasetBuffer(const aclmdlDataset* dataset, size_t index) {
  return dataset == nullptr || index >= dataset->buffers.size() ? nullptr : dataset->buffers[index];
}
extern "C" aclError aclmdlExecute(uint32_t modelId, const aclmdlDataset* input, aclmdlDataset* output) {
  return guarded([&](Device& device) { execute(device, modelId, input, output, nullptr); });
}
extern "C" aclError aclmdlExecuteAsync(uint32_t modelId, const aclmdlDataset* input, aclmdlDataset* output, aclrtStream stream) {
  return guarded([&](Device& device) { execute(device, modelId, input, output, stream); });
}
extern "C" aclError aclmdlSetDynamicBatchSize(uint32_t, aclmdlDataset*, size_t, uint64_t) {
  return guarded([](Device&) { not_implemented("aclmdlSetDynamicBatchSize"); });
}
extern "C" aclError aclmdlSetDynamicHWSize(uint32_t, aclmdlDataset*, size_t, uint64_t, uint64_t) {
  return guarded([](Device&) { not_implemented("aclmdlSetDynamicHWSize"); });
}
extern "C" aclError aclmdlSetInputDynamicDims(uint32_t, aclmdlDataset*, size_t, const aclmdlIODims*) {
  return guarded([](Device&) { not_implemented("aclmdlSetInputDynamicDims"); });
}

}  // namespace ropeway::cann
