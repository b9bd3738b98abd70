// acl*TensorDesc and aclop*: describing single operators. Running one is not implemented: the virtual NPU runs compiled models.
#include <algorithm>
#include <map>
#include <variant>

#include "virtual_npu/exports/exported.h"

namespace ropeway::cann {

using virtual_npu::Device;
using virtual_npu::Fault;

// Opaque to callers.
struct aclTensorDesc {
  aclDataType type;
  aclFormat format;
  std::vector<int64_t> dims;
  std::vector<std::byte> constant;
};
struct aclopAttr {
  std::map<std::string, std::variant<bool, int64_t, float, std::string, std::vector<int64_t>>> values;
};

namespace {

constexpr int64_t kUnknownRank = -2;  // as the first and only dimension
constexpr size_t kUnknownRankCount = 0xFFFFFFFFFFFFFFFE;

template <class T>
aclError set(aclopAttr* attr, const char* name, T&& value) {
  return guarded([&](Device&) {
    require(attr, "attr");
    require(name, "attrName");
    attr->values[name] = std::forward<T>(value);
  });
}

// Null for `count` 0.
template <class T>
std::vector<T> copied(const T* values, int64_t count, const char* what) {
  if (count < 0) throw Fault(ACL_ERROR_INVALID_PARAM, fmt::format("there cannot be {} {}", count, what));
  if (count > 0) require(values, what);
  return count == 0 ? std::vector<T>() : std::vector<T>(values, values + count);
}

// 0 when a size is open or too large for any memory.
size_t bytes_of(const aclTensorDesc& desc) {
  size_t bytes = aclDataTypeSize(desc.type);
  for (const int64_t size : desc.dims) {
    if (size < 0 || __builtin_mul_overflow(bytes, static_cast<size_t>(size), &bytes)) return 0;
  }
  return bytes;
}

}  // namespace

extern "C" aclTensorDesc* aclCreateTensorDesc(aclDataType dataType, int numDims, const int64_t* dims, aclFormat format) {
  return guarded_value<aclTensorDesc*>(nullptr, [&] { return new aclTensorDesc{dataType, format, copied(dims, numDims, "dims"), {}}; });
}
extern "C" void aclDestroyTensorDesc(const aclTensorDesc* desc) { delete desc; }
extern "C" size_t aclGetTensorDescSize(const aclTensorDesc* desc) { return desc == nullptr ? 0 : bytes_of(*desc); }
extern "C" size_t aclGetTensorDescNumDims(const aclTensorDesc* desc) {
  if (desc == nullptr) return 0;
  return desc->dims.size() == 1 && desc->dims[0] == kUnknownRank ? kUnknownRankCount : desc->dims.size();
}
extern "C" aclError aclGetTensorDescDimV2(const aclTensorDesc* desc, size_t index, int64_t* dimSize) {
  return guarded([&](Device&) {
    require(desc, "desc");
    require(dimSize, "dimSize");
    if (index >= desc->dims.size()) throw Fault(ACL_ERROR_INVALID_PARAM, fmt::format("there is no dimension {}: the tensor has {}", index, desc->dims.size()));
    *dimSize = desc->dims[index];
  });
}
extern "C" aclError aclSetTensorConst(aclTensorDesc* desc, void* dataBuffer, size_t length) {
  return guarded([&](Device&) {
    require(desc, "desc");
    require(dataBuffer, "dataBuffer");
    desc->constant.assign(static_cast<const std::byte*>(dataBuffer), static_cast<const std::byte*>(dataBuffer) + length);
  });
}
extern "C" aclTensorDesc* aclmdlGetDatasetTensorDesc(const aclmdlDataset*, size_t) {
  // A model of this device has fixed shapes, so that running it describes nothing in its datasets.
  remember(ACL_ERROR_INVALID_PARAM, "aclmdlGetDatasetTensorDesc: the dataset has no tensor description; shapes are what aclmdlGetOutputDims says");
  return nullptr;
}

extern "C" aclopAttr* aclopCreateAttr() { return new (std::nothrow) aclopAttr; }
extern "C" void aclopDestroyAttr(const aclopAttr* attr) { delete attr; }
extern "C" aclError aclopSetAttrBool(aclopAttr* attr, const char* attrName, uint8_t attrValue) { return set(attr, attrName, attrValue != 0); }
extern "C" aclError aclopSetAttrInt(aclopAttr* attr, const char* attrName, int64_t attrValue) { return set(attr, attrName, attrValue); }
extern "C" aclError aclopSetAttrFloat(aclopAttr* attr, const char* attrName, float attrValue) { return set(attr, attrName, attrValue); }
extern "C" aclError aclopSetAttrString(aclopAttr* attr, const char* attrName, const char* attrValue) {
  return guarded([&](Device&) {
    require(attr, "attr");
    require(attrName, "attrName");
    require(attrValue, "attrValue");
    attr->values[attrName] = std::string(attrValue);
  });
}
extern "C" aclError aclopSetAttrListInt(aclopAttr* attr, const char* attrName, int numValues, const int64_t* values) {
  return guarded([&](Device&) {
    require(attr, "attr");
    require(attrName, "attrName");
    attr->values[attrName] = copied(values, numValues, "values");
  });
}
extern "C" aclError aclopCompileAndExecute(const char* opType, int, const aclTensorDesc* const[], const aclDataBuffer* const[], int, const aclTensorDesc* const[], aclDataBuffer* const[], const aclopAttr*,
                                           aclopEngineType, aclopCompileType, const char*, aclrtStream) {
  return guarded([&](Device&) {
    require(opType, "opType");
    throw Fault(ACL_ERROR_API_NOT_SUPPORT, fmt::format("aclopCompileAndExecute of {} is not implemented by Ropeway's virtual CANN, which runs whole compiled models: have the graph compiled instead", opType));
  });
}

}  // namespace ropeway::cann
